import { describe, expect, test } from 'vitest';
import { fromUtf8, hex, toHex, utf8 } from '../base/bytes.ts';
import { seededRandom } from '../base/random.ts';
import { decodeMessage, encodeEmpty, encodeMessage, FormatFault, parseMessage, type CoapMessage } from './codec.ts';

const none = new Uint8Array(0);

/** A message in the form in which tests write it. */
function plain({ type, code, messageId, token, options, payload }: CoapMessage): object {
  return {
    type: ['CON', 'NON', 'ACK', 'RST'][type],
    code: `${code >> 5}.${String(code & 31).padStart(2, '0')}`,
    messageId,
    token: toHex(token),
    options: options.map(({ number, value }) => [number, toHex(value)]),
    payload: fromUtf8(payload),
  };
}

// RFC 7252 Appendix A: the octets are written out in figures 16 and 17; the others are composed from their fields.
const examples: readonly [name: string, wire: string, message: object][] = [
  [
    'figure 16, the request: CON GET /temperature',
    '40 01 7d34 bb 74656d7065726174757265',
    { type: 'CON', code: '0.01', messageId: 0x7d34, token: '', options: [[11, '74656d7065726174757265']], payload: '' },
  ],
  [
    'figure 16, the response: ACK 2.05 "22.3 C"',
    '60 45 7d34 ff 32322e332043',
    { type: 'ACK', code: '2.05', messageId: 0x7d34, token: '', options: [], payload: '22.3 C' },
  ],
  [
    'figure 17, the request with token 0x20',
    '41 01 7d35 20 bb 74656d7065726174757265',
    {
      type: 'CON',
      code: '0.01',
      messageId: 0x7d35,
      token: '20',
      options: [[11, '74656d7065726174757265']],
      payload: '',
    },
  ],
  [
    'figure 17, the response with token 0x20',
    '61 45 7d35 20 ff 32322e332043',
    { type: 'ACK', code: '2.05', messageId: 0x7d35, token: '20', options: [], payload: '22.3 C' },
  ],
  [
    'figure 20, the empty acknowledgement',
    '60 00 7d38',
    { type: 'ACK', code: '0.00', messageId: 0x7d38, token: '', options: [], payload: '' },
  ],
  [
    'figure 20, the separate response',
    '41 45 ad7b 53 ff 32322e332043',
    { type: 'CON', code: '2.05', messageId: 0xad7b, token: '53', options: [], payload: '22.3 C' },
  ],
  [
    'figure 22, the request in a NON',
    '51 01 7d40 75 bb 74656d7065726174757265',
    {
      type: 'NON',
      code: '0.01',
      messageId: 0x7d40,
      token: '75',
      options: [[11, '74656d7065726174757265']],
      payload: '',
    },
  ],
  ['a Reset', '70 00 7777', { type: 'RST', code: '0.00', messageId: 0x7777, token: '', options: [], payload: '' }],
  [
    'POST /msgin5g with Content-Format 50 and a token of four octets',
    '44 02 1001 01020304 b7 6d7367696e3567 11 32 ff 7b226d736754797065223a22524547227d',
    {
      type: 'CON',
      code: '0.02',
      messageId: 0x1001,
      token: '01020304',
      options: [
        [11, '6d7367696e3567'],
        [12, '32'],
      ],
      payload: '{"msgType":"REG"}',
    },
  ],
  [
    '4.02 with a diagnostic payload',
    '64 82 1001 01020304 ff 6f7074696f6e203635303031',
    { type: 'ACK', code: '4.02', messageId: 0x1001, token: '01020304', options: [], payload: 'option 65001' },
  ],
  [
    'Block1 and Size1, whose deltas and lengths are extended',
    '41 02 1002 0a b7 6d7367696e3567 11 32 d1 02 0e d2 14 0800 ff 78',
    {
      type: 'CON',
      code: '0.02',
      messageId: 0x1002,
      token: '0a',
      options: [
        [11, '6d7367696e3567'],
        [12, '32'],
        [27, '0e'],
        [60, '0800'],
      ],
      payload: 'x',
    },
  ],
];

describe.each(examples)('%s', (_name, wire, message) => {
  test('decodes', () => expect(plain(decodeMessage(hex(wire)))).toEqual(message));
  test('encodes to the same octets', () =>
    expect(toHex(encodeMessage(decodeMessage(hex(wire))))).toBe(wire.replaceAll(' ', '')));
});

// RFC 7252 §3.1: a delta or length of 13 says one octet less 13 follows, 14 two octets less 269.
test.each([
  [12, 'c0'],
  [13, 'd000'],
  [268, 'd0ff'],
  [269, 'e00000'],
  [65_535, 'e0fef2'],
])('option number %i is written as %s', (number, wire) => {
  const message = { type: 0, code: 1, messageId: 1, token: none, options: [{ number, value: none }], payload: none };
  expect(toHex(encodeMessage(message))).toBe(`40010001${wire}`);
  expect(decodeMessage(encodeMessage(message)).options).toEqual([{ number, value: none }]);
});

test.each([
  [12, '0c'],
  [13, '0d00'],
  [268, '0dff'],
  [269, '0e0000'],
  [65_804, '0effff'],
])('an option of %i octets has the header %s', (length, wire) => {
  const value = new Uint8Array(length).fill(7);
  const octets = encodeMessage({
    type: 0,
    code: 1,
    messageId: 1,
    token: none,
    options: [{ number: 0, value }],
    payload: none,
  });
  expect(toHex(octets.subarray(4, 4 + wire.length / 2))).toBe(wire);
  expect(decodeMessage(octets).options[0].value).toEqual(value);
});

test('options are written in ascending order, repeated ones in their own', () => {
  const options = [
    { number: 15, value: utf8('q') },
    { number: 11, value: utf8('b') },
    { number: 11, value: utf8('a') },
  ];
  const wire = toHex(encodeMessage({ type: 0, code: 1, messageId: 1, token: none, options, payload: none }));
  expect(wire).toBe('40010001' + 'b162' + '0161' + '4171');
});

test('an empty message has four octets', () => expect(toHex(encodeEmpty(2, 0x1001))).toBe('60001001'));

test('what the octets cannot say is refused', () => {
  const base = { type: 0, code: 1, messageId: 1, token: none, options: [], payload: none };
  expect(() => encodeMessage({ ...base, token: new Uint8Array(9) })).toThrow(RangeError);
  expect(() => encodeMessage({ ...base, options: [{ number: 65_536, value: none }] })).toThrow(RangeError);
  expect(() => encodeMessage({ ...base, options: [{ number: 1, value: new Uint8Array(65_805) }] })).toThrow(RangeError);
});

// RFC 7252 §3: each is a message format error.
test.each([
  ['nothing', '', 0],
  ['three octets', '40 01 00', 3],
  ['version 0', '00 01 0001', 0],
  ['version 2', '80 01 0001', 0],
  ['version 3', 'c0 01 0001', 0],
  ['token length 9', '49 01 0001 010203040506070809', 0],
  ['token length 15', '4f 01 0001 0102030405060708090a0b0c0d0e0f', 0],
  ['a token cut short', '44 01 0001 010203', 7],
  ['an empty message with a token', '41 00 0001 01', 4],
  ['an empty message with a payload', '40 00 0001 ff 01', 4],
  ['an empty message whose token is missing', '41 00 0001', 4],
  ['a payload marker without a payload', '40 01 0001 ff', 4],
  ['a payload marker without a payload after an option', '40 01 0001 b1 61 ff', 6],
  ['option delta 15', '40 01 0001 f0', 4],
  ['option length 15', '40 01 0001 bf', 4],
  ['an option value cut short', '40 01 0001 b4 616263', 4],
  ['an extended delta that is missing', '40 01 0001 d0', 4],
  ['a two-octet delta of which one is missing', '40 01 0001 e0 00', 4],
  ['an extended length that is missing', '40 01 0001 bd', 4],
  ['a two-octet length of which one is missing', '40 01 0001 be 00', 4],
  ['a length beyond the end', '40 01 0001 bd ff 61', 4],
  ['option number 65536', '40 01 0001 e0 fef3', 4],
  ['option numbers that add up to more than 65535', '40 01 0001 e0 fef2 10', 7],
  ['the fault in the second option', '40 01 0001 b1 61 0f', 6],
])('%s is a format error', (_name, wire, offset) => {
  const fault = parseMessage(hex(wire));
  expect(fault).toBeInstanceOf(FormatFault);
  expect(fault).toMatchObject({ offset });
  expect(() => decodeMessage(hex(wire))).toThrow(expect.objectContaining({ code: 'coap.format' }));
});

test('decoding does not copy: the payload is a view of the datagram', () => {
  const octets = hex('40 01 0001 ff 61 62');
  expect(decodeMessage(octets).payload.buffer).toBe(octets.buffer);
});

test('whatever octets come, parsing neither throws nor reads past the end, and what it takes it can write again', () => {
  const random = seededRandom(20_261_121);
  let taken = 0;
  for (let i = 0; i < 20_000; i++) {
    const octets = Uint8Array.from({ length: Math.floor(random() * 24) }, () => Math.floor(random() * 256));
    if (octets.length > 0) octets[0] = (octets[0] & 0x37) | 0x40;
    const message = parseMessage(octets);
    if (message instanceof FormatFault) continue;
    taken++;
    expect(plain(decodeMessage(encodeMessage(message)))).toEqual(plain(message));
  }
  expect(taken).toBeGreaterThan(1_000);
});
