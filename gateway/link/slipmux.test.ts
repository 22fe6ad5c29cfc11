import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fromUtf8, hex, toHex, utf8 } from '../base/bytes.ts';
import { seededRandom } from '../base/random.ts';
import { fcs16 } from './fcs16.ts';
import { encodeCoapFrame, maxCoapBytes, maxFrameBytes, newSlipmuxCounters, SlipmuxDecoder } from './slipmux.ts';

// slipmux-vectors.json; E1 and the FCS values are also published with the Rust crate Teufelchen1/slipmux.
const vectors = JSON.parse(readFileSync(new URL('../../test/vectors/slipmux-vectors.json', import.meta.url), 'utf8'));
const examples = Object.entries<{ coap: string; fcs: string; wire: string }>(vectors.examples);
const ping = '40001234';
const pingWire = 'c0a940001234e6b3c0';

/** A decoder and what it handed over: `coap:<hex>`, `diagnostic:<text>`. */
function listen() {
  const heard: string[] = [];
  const decoder = new SlipmuxDecoder({
    onCoap: message => heard.push(`coap:${toHex(message)}`),
    onDiagnostic: text => heard.push(`diagnostic:${fromUtf8(text)}`),
  });
  return { decoder, heard };
}

function decode(wire: string) {
  const { decoder, heard } = listen();
  decoder.push(hex(wire));
  return { heard, counters: decoder.counters };
}

const only = (counts: object) => ({ ...newSlipmuxCounters(), ...counts });

test('FCS-16 has the check value of CRC-16/IBM-SDLC', () => expect(fcs16(utf8('123456789'))).toBe(0x906e));

describe.each(examples)('%s', (_name, { coap, fcs, wire }) => {
  test('has its FCS', () => expect(fcs16(hex(`a9${coap}`))).toBe(Number(fcs)));
  test('is encoded', () => expect(toHex(encodeCoapFrame(hex(coap)))).toBe(wire));
  test('is decoded', () =>
    expect(decode(wire)).toEqual({ heard: [`coap:${coap}`], counters: only({ coapFrames: 1 }) }));
  test('is decoded when cut at every octet', () => {
    const octets = hex(wire);
    for (let cut = 0; cut <= octets.length; cut++) {
      const { decoder, heard } = listen();
      decoder.push(octets.subarray(0, cut));
      decoder.push(octets.subarray(cut));
      expect(heard).toEqual([`coap:${coap}`]);
    }
  });
  test('is decoded octet by octet', () => {
    const { decoder, heard } = listen();
    for (const octet of hex(wire)) decoder.push(Uint8Array.of(octet));
    expect(heard).toEqual([`coap:${coap}`]);
  });
});

test('frames of several kinds in one stream, cut at every octet', () => {
  const octets = hex(vectors.stream_mixed);
  for (let cut = 0; cut <= octets.length; cut++) {
    const { decoder, heard } = listen();
    decoder.push(octets.subarray(0, cut));
    decoder.push(octets.subarray(cut));
    expect(heard).toEqual(['coap:40001234', 'diagnostic:boot ok\n', 'coap:70001234']);
  }
});

test('one END between two frames is enough, and none before the first', () =>
  expect(decode('a940001234e6b3c0a97000123414ffc0').heard).toEqual(['coap:40001234', 'coap:70001234']));

test.each([
  ['a wrong FCS', vectors.negative['bad FCS (one bit flipped in E2): silently discard'], { fcsErrors: 1 }],
  ['an abort in mid-frame', vectors.negative['abort: ESC then END in mid-frame'], { abortedFrames: 1 }],
  ['empty frames', vectors.negative['empty frames: ignore'], {}],
  ['an unknown type', vectors.negative['unknown type 0x21: ignore'], { unknownFrames: 1 }],
  ['ESC before another octet', 'c0 a94000db1234e6b3 c0', { escapeErrors: 1 }],
  ['ESC twice', 'c0 a94000dbdb1234e6b3 c0', { escapeErrors: 1 }],
  ['a wrong escape and then an abort', 'c0 a9db00ffdb c0', { escapeErrors: 1 }],
  ['a CoAP frame too short for its FCS', 'c0 a9 c0 a911 c0', { fcsErrors: 2 }],
  ['IPv4 and IPv6 packets', 'c0 4500 c0 4f00 c0 6000 c0 6f00 c0', { ipFrames: 4 }],
  ['reserved and other types', 'c0 00 c0 dbdc c0 dbdd c0 44 c0 50 c0 70 c0', { unknownFrames: 6 }],
])('%s is dropped and counted, and the next frame is heard', (_what, wire, counts) =>
  expect(decode(wire + pingWire)).toEqual({ heard: [`coap:${ping}`], counters: only({ ...counts, coapFrames: 1 }) }),
);

test('every wrong bit of a frame is noticed', () => {
  const { decoder, heard } = listen();
  const inner = hex('a940001234e6b3');
  for (let bit = 0; bit < inner.length * 8; bit++) {
    const broken = Uint8Array.from(inner);
    broken[bit >> 3] ^= 1 << (bit & 7);
    decoder.push(Uint8Array.of(0xc0, ...broken, 0xc0));
  }
  expect(heard.filter(what => what.startsWith('coap'))).toEqual([]);
});

describe('the frame limit', () => {
  test('the longest message goes through whole, every octet escaped', () => {
    const message = new Uint8Array(maxCoapBytes).fill(0xc0);
    const { decoder, heard } = listen();
    decoder.push(encodeCoapFrame(message));
    expect(heard).toEqual([`coap:${toHex(message)}`]);
  });

  test('one octet more is dropped up to the next END and counted once', () => {
    const { decoder, heard } = listen();
    decoder.push(encodeCoapFrame(new Uint8Array(maxCoapBytes + 1)));
    decoder.push(encodeCoapFrame(new Uint8Array(100_000)));
    decoder.push(hex(pingWire));
    expect(heard).toEqual([`coap:${ping}`]);
    expect(decoder.counters).toEqual(only({ coapFrames: 1, tooLongFrames: 2 }));
  });

  test('a diagnostic of the whole frame is taken', () => {
    const { decoder, heard } = listen();
    decoder.push(Uint8Array.of(0xc0, 0x0a, ...new Uint8Array(maxFrameBytes - 1).fill(0x61), 0xc0));
    expect(heard).toEqual([`diagnostic:${'a'.repeat(maxFrameBytes - 1)}`]);
  });
});

test('a frame handed over is a copy that later input does not touch', () => {
  const messages: Uint8Array[] = [];
  const decoder = new SlipmuxDecoder({ onCoap: message => messages.push(message), onDiagnostic: () => {} });
  decoder.push(hex(pingWire));
  decoder.push(hex('c0a97000123414ffc0'));
  expect(messages.map(toHex)).toEqual(['40001234', '70001234']);
});

test('a receiver that throws leaves the decoder in order', () => {
  const heard: string[] = [];
  const decoder = new SlipmuxDecoder({
    onCoap: message => {
      heard.push(toHex(message));
      throw new Error('receiver');
    },
    onDiagnostic: () => {},
  });
  for (let round = 0; round < 2; round++) expect(() => decoder.push(hex(pingWire))).toThrow('receiver');
  expect(heard).toEqual([ping, ping]);
});

test('after a reset half a frame is forgotten', () => {
  const { decoder, heard } = listen();
  decoder.push(hex('c0a94000db'));
  decoder.reset();
  decoder.push(hex('a940001234e6b3c0'));
  expect(heard).toEqual([`coap:${ping}`]);
});

test('noise of a million octets stops nothing: the frame after the next END is heard', () => {
  const random = seededRandom(7);
  const { decoder, heard } = listen();
  for (let round = 0; round < 100; round++) {
    decoder.push(Uint8Array.from({ length: 10_000 }, () => random() * 256));
    const before = decoder.counters.coapFrames;
    decoder.push(hex(pingWire));
    expect(decoder.counters.coapFrames).toBe(before + 1);
    expect(heard.at(-1)).toBe(`coap:${ping}`);
  }
});

test('whatever is encoded is decoded to the same octets', () => {
  const random = seededRandom(11);
  const { decoder, heard } = listen();
  for (let round = 0; round < 300; round++) {
    // Half of the octets are END or ESC.
    const message = Uint8Array.from({ length: random() * 80 }, () =>
      random() < 0.5 ? random() * 256 : random() < 0.5 ? 0xc0 : 0xdb,
    );
    decoder.push(encodeCoapFrame(message));
    expect(heard.at(-1)).toBe(`coap:${toHex(message)}`);
  }
  expect(decoder.counters).toEqual(only({ coapFrames: 300 }));
});
