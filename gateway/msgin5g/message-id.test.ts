import { expect, test } from 'vitest';
import { hex, utf8 } from '../base/bytes.ts';
import {
  deriveMessageId,
  digestMarks,
  epochOf,
  mayCopyLastEpoch,
  readWireMessageId,
  wireMessageId,
} from './message-id.ts';

const marks = {
  layer2Id: 'meter-1',
  place: 'udp 127.0.0.1:40001',
  token: hex('01020304'),
  coapMessageId: 0x1001,
  payload: utf8('{"payload":"x"}'),
};
const idOf = (changes: Partial<typeof marks>) => deriveMessageId(digestMarks({ ...marks, ...changes }), 490_000, 0);

test('is 16 octets in the form of a UUID of version 8, the same for the same copy', () => {
  expect(idOf({})).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(idOf({})).toBe(idOf({ token: hex('01 02 03 04'), payload: utf8('{"payload":"x"}') }));
});

test.each([
  ['device', { layer2Id: 'meter-2' }],
  ['place', { place: 'udp 127.0.0.1:40002' }],
  ['token', { token: hex('01020305') }],
  ['Message ID', { coapMessageId: 0x1002 }],
  ['payload', { payload: utf8('{"payload":"y"}') }],
  ['parts that run into each other', { layer2Id: 'meter-1udp', place: ' 127.0.0.1:40001' }],
])('is another for another %s', (_what, changes) => expect(idOf(changes)).not.toBe(idOf({})));

test('is another in another epoch and another turn', () => {
  const digest = digestMarks(marks);
  const ids = [
    deriveMessageId(digest, 1, 0),
    deriveMessageId(digest, 1, 1),
    deriveMessageId(digest, 2, 0),
    deriveMessageId(digest, 11, 0),
  ];
  expect(new Set(ids).size).toBe(4);
});

test('looks back over the turn of the hour only soon after it, and soon after a start', () => {
  const hourMs = 3_600_000;
  const turnMs = epochOf(1_795_219_200_000) * hourMs;
  expect(mayCopyLastEpoch(turnMs + 1_000, 5_000, 247_000)).toBe(true);
  expect(mayCopyLastEpoch(turnMs + 247_000, 5_000, 247_000)).toBe(false);
  expect(mayCopyLastEpoch(turnMs + 1_000, 247_000, 247_000)).toBe(false);
});

test('on MSGin5G-1 a UUID goes as it is, any other ID after its device', () => {
  expect(wireMessageId('meter-1', '6F9619FF-8B86-D011-B42D-00C04FC964FF')).toBe('6F9619FF-8B86-D011-B42D-00C04FC964FF');
  expect(wireMessageId('meter-1', '7')).toBe('meter-1/7');
  expect(wireMessageId('a/b', '7')).toBe('a%2Fb/7');
});

test.each([
  ['meter-1', '7'],
  ['a/b', 'c/d'],
  ['größe', ''],
  ['%', '/'],
])('and %s with %s comes back from it', (layer2Id, messageId) => {
  expect(readWireMessageId(wireMessageId(layer2Id, messageId))).toEqual({ layer2Id, messageId });
});

test('an ID that is none of ours tells no device', () => {
  expect(readWireMessageId('6f9619ff-8b86-d011-b42d-00c04fc964ff')).toBeUndefined();
  expect(readWireMessageId('%zz/7')).toBeUndefined();
});
