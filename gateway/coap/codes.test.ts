import { describe, expect, test } from 'vitest';
import { formatCode, isReservedClass, isSuccess, parseCode } from './codes.ts';

describe('codes', () => {
  test('are written as class and detail', () => {
    expect([formatCode(0x44), formatCode(0x84), formatCode(0x01)]).toEqual(['2.04', '4.04', '0.01']);
    expect([parseCode('2.04'), parseCode('7.31')]).toEqual([0x44, 0xff]);
    expect(() => parseCode('8.00')).toThrow(RangeError);
    expect(() => parseCode('2.32')).toThrow(RangeError);
  });

  // RFC 7252 §4.2
  test('of classes 1, 6 and 7 are reserved', () => {
    expect([0, 1, 2, 3, 4, 5, 6, 7].filter(octetClass => isReservedClass(octetClass << 5))).toEqual([1, 6, 7]);
    expect([isSuccess(0x44), isSuccess(0x84)]).toEqual([true, false]);
  });
});
