import { expect, test } from 'vitest';
import { hex, utf8 } from '../base/bytes.ts';
import { encodePayload, payloadOctets, recodePayload } from './payload.ts';

const text = { payload: '21.5 °C' };
const sameAsBase64 = { payload: 'MjEuNSDCsEM=', payloadEnc: 'base64' };
const binary = { payload: '//4A', payloadEnc: 'base64' };

test('octets that are UTF-8 travel as text, others as base64 that says so', () => {
  expect(encodePayload(utf8('21.5 °C'))).toEqual(text);
  expect(encodePayload(hex('fffe00'))).toEqual(binary);
});

test('both give their octets back', () => {
  expect(payloadOctets(text)).toEqual(utf8('21.5 °C'));
  expect(payloadOctets(binary)).toEqual(hex('fffe00'));
});

test('auto leaves what came as it came', () => {
  expect(recodePayload(sameAsBase64, 'auto')).toBe(sameAsBase64);
  expect(recodePayload(text, 'auto')).toBe(text);
});

test('a server that wants text gets text, where it is text; one that wants base64 gets base64', () => {
  expect(recodePayload(sameAsBase64, 'text')).toEqual(text);
  expect(recodePayload(binary, 'text')).toEqual(binary);
  expect(recodePayload(text, 'base64')).toEqual(sameAsBase64);
});

test('a coding nobody here knows is passed on', () => {
  const odd = { payload: 'ff', payloadEnc: 'hex' };
  expect(recodePayload(odd, 'text')).toBe(odd);
});
