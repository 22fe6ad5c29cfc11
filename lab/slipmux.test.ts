import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { hex, toHex, utf8 } from '../gateway/base/bytes.ts';
import { SlipmuxReader, encodeCoap, encodeDiagnostic, fcs16 } from './slipmux.ts';

// draft-bormann-t2trg-slipmux-04; E1 also in the Rust crate Teufelchen1/slipmux.
const vectors = JSON.parse(readFileSync(new URL('../test/vectors/slipmux-vectors.json', import.meta.url), 'utf8'));
const examples = Object.entries(vectors.examples as Record<string, { coap: string; wire: string }>);

// RFC 1662 §C.2 and the CRC catalogue: CRC-16/IBM-SDLC.
test('the FCS of 123456789 is 0x906E', () => expect(fcs16(utf8('123456789')) ^ 0xffff).toBe(0x906e));

describe.each(examples)('%s', (_name, { coap, wire }) => {
  test('is framed octet for octet', () => expect(toHex(encodeCoap(hex(coap)))).toBe(wire));
  test('is read back', () => expect(read(hex(wire)).frames).toEqual([{ kind: 'coap', message: hex(coap) }]));
});

test.each(Object.entries(vectors.negative as Record<string, string>))('%s', (_name, wire) => {
  expect(read(hex(wire)).frames).toEqual([]);
});

test('a stream of CoAP and text gives the same frames wherever it is cut', () => {
  const stream = hex(vectors.stream_mixed);
  const whole = read(stream).frames;
  expect(whole.map(frame => (frame.kind === 'coap' ? toHex(frame.message) : frame.text))).toEqual([
    '40001234',
    'boot ok\n',
    '70001234',
  ]);
  for (let cut = 0; cut <= stream.length; cut++) {
    expect(read(stream.subarray(0, cut), stream.subarray(cut)).frames).toEqual(whole);
  }
  expect(read(...[...stream].map(octet => Uint8Array.of(octet))).frames).toEqual(whole);
});

test('two frames may share one END', () => {
  expect(read(hex('c0a940001234e6b3c0a97000123414ffc0')).frames).toHaveLength(2);
});

test.each([
  ['one bit wrong', 'c0a940001334e6b3c0', 'badFcs'],
  ['no room for an FCS', 'c0a9c0', 'badFcs'],
  ['aborted with ESC END', 'c0a9400012dbc0', 'aborted'],
  ['an escape of nothing', 'c0a94000dbaa34e6b3c0', 'badEscape'],
  ['an IPv6 packet', 'c06000000000c0', 'otherKind'],
] as const)('%s is counted, and the next frame is read', (_name, bad, count) => {
  const { frames, reader } = read(hex(bad), hex('c0a940001234e6b3c0'));
  expect(frames).toHaveLength(1);
  expect(reader.counts[count]).toBe(1);
});

test('a frame over 2048 octets is dropped up to the next END', () => {
  const largest = new Uint8Array(2_048 - 3).fill(0x41);
  expect(read(encodeCoap(largest)).frames).toHaveLength(1);
  const { frames, reader } = read(encodeCoap(new Uint8Array(2_048 - 2).fill(0x41)), hex('c0a940001234e6b3c0'));
  expect(frames).toEqual([{ kind: 'coap', message: hex('40001234') }]);
  expect(reader.counts.tooLong).toBe(1);
});

test('text goes out as a diagnostic frame', () => {
  expect(toHex(encodeDiagnostic('boot ok\n'))).toBe('c00a626f6f74206f6b0ac0');
});

function read(...pieces: Uint8Array[]) {
  const reader = new SlipmuxReader();
  return { reader, frames: pieces.flatMap(piece => reader.push(piece)) };
}
