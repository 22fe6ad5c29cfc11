import { expect, test } from 'vitest';
import { hex, toHex, utf8 } from '../base/bytes.ts';
import { createOptionCheck } from './option-check.ts';
import {
  accept,
  acceptOf,
  contentFormat,
  contentFormatOf,
  isCritical,
  maxAge,
  option,
  optionDefinition,
  optionTable,
  uintOf,
  uintOption,
  uriPath,
  uriPathOf,
  uriQuery,
  uriQueryOf,
} from './options.ts';
import type { CoapOption } from './types.ts';

const check = createOptionCheck();

function raw(number: number, value: string): CoapOption {
  return { number, value: hex(value) };
}

test('a path becomes one option a segment, and is read back', () => {
  expect(uriPath('/sensors/t%20').map(({ number, value }) => [number, toHex(value)])).toEqual([
    [11, '73656e736f7273'],
    [11, '74253230'],
  ]);
  expect(uriPathOf(uriPath('/a/b'))).toEqual(['a', 'b']);
  expect(uriPath('/')).toEqual([]);
  expect(uriPathOf([])).toEqual([]);
});

test('an empty last segment stays: /a/ is not /a', () => expect(uriPathOf(uriPath('/a/'))).toEqual(['a', '']));

test('segments "." and ".." may not be sent', () => {
  expect(() => uriPath('/a/../b')).toThrow(RangeError);
  expect(() => uriPath('/./b')).toThrow(RangeError);
});

test('a path that is not UTF-8 has no text', () => expect(uriPathOf([raw(11, 'c328')])).toBeUndefined());

test('queries keep their order', () => {
  expect(uriQueryOf(uriQuery('a=1', 'b=2'))).toEqual(['a=1', 'b=2']);
});

// RFC 7252 §3.2
test.each([
  [0, ''],
  [50, '32'],
  [255, 'ff'],
  [256, '0100'],
  [60_000, 'ea60'],
  [0xffff_ffff, 'ffffffff'],
])('the unsigned integer %i is written as "%s"', (value, wire) => {
  expect(toHex(uintOption(option.maxAge, value).value)).toBe(wire);
  expect(uintOf([uintOption(option.maxAge, value)], option.maxAge)).toBe(value);
});

test('an unsigned integer with leading zeros is taken', () => expect(contentFormatOf([raw(12, '0032')])).toBe(50));

test('numbers that an option cannot hold are refused', () => {
  for (const value of [-1, 1.5, 2 ** 32, Number.NaN]) expect(() => uintOption(14, value)).toThrow(RangeError);
});

test('readers find what builders made', () => {
  const options = [...uriPath('/x'), contentFormat(50), maxAge(60), accept(0)];
  expect([contentFormatOf(options), uintOf(options, option.maxAge), acceptOf(options)]).toEqual([50, 60, 0]);
  expect(contentFormatOf([])).toBeUndefined();
});

test('an option is critical when its number is odd', () => {
  expect(optionTable.filter(({ number }) => isCritical(number)).map(({ name }) => name)).toEqual([
    'If-Match',
    'Uri-Host',
    'If-None-Match',
    'Uri-Port',
    'OSCORE',
    'Uri-Path',
    'Uri-Query',
    'Accept',
    'Block2',
    'Block1',
    'Proxy-Uri',
    'Proxy-Scheme',
  ]);
  expect(optionDefinition(292)).toMatchObject({ name: 'Request-Tag', repeatable: true });
});

test('the table has each number once, in order', () => {
  const numbers = optionTable.map(({ number }) => number);
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  expect(new Set(Object.values(option))).toEqual(new Set(numbers));
});

test('a plain request passes as it is', () => {
  const options = [...uriPath('/a/b'), contentFormat(50), ...uriQuery('x', 'y'), accept(50)];
  expect(check(options)).toEqual({ options });
  expect(check(options).options).toBe(options);
});

test('an unknown critical option is named', () => {
  expect(check([raw(11, '61'), raw(65_001, '00')]).bad).toEqual({ number: 65_001, reason: 'unknown' });
});

test('a critical option counts as unknown until somebody copes with it', () => {
  expect(check([raw(27, '0e')]).bad).toEqual({ number: 27, reason: 'unknown' });
  expect(createOptionCheck([option.block1])([raw(27, '0e')]).bad).toBeUndefined();
});

test('an unknown elective option passes, and nobody need read it', () => {
  const options = [raw(65_000, '00'), raw(65_000, '01')];
  expect(check(options)).toEqual({ options });
});

test('a critical option that may not be repeated counts as unknown the second time', () => {
  expect(check([raw(3, '61'), raw(3, '61')]).bad).toEqual({ number: 3, reason: 'repeated' });
});

test('an elective option that may not be repeated counts once', () => {
  expect(check([raw(12, '32'), raw(12, '00'), raw(15, '61')]).options).toEqual([raw(12, '32'), raw(15, '61')]);
});

test('a critical option of a length out of range counts as unknown', () => {
  expect(check([{ number: 11, value: utf8('x'.repeat(256)) }]).bad).toEqual({ number: 11, reason: 'length' });
  expect(check([raw(17, '000000')]).bad).toEqual({ number: 17, reason: 'length' });
  expect(check([raw(3, '')]).bad).toEqual({ number: 3, reason: 'length' });
});

test('an elective option of a length out of range is ignored', () => {
  expect(check([raw(12, '000032')]).options).toEqual([]);
});
