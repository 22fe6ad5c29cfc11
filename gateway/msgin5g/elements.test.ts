import { expect, test } from 'vitest';
import { utf8 } from '../base/bytes.ts';
import { decodeDeviceRequest, decodeResult } from './decode.ts';
import { createElementMap } from './elements.ts';

const own = createElementMap();

test.each(['msgType', 'Message Type', 'messageType', 'message-type', 'MESSAGE_TYPE', ' msg type '])(
  'takes "%s" for the message type',
  name => {
    expect(own.elementOf(name)).toBe('msgType');
  },
);

test.each([
  ['Layer-2 ID', 'layer2Id'],
  ['Application ID', 'appId'],
  ['Credential information', 'credential'],
  ['Delivery status required', 'delivStReqInd'],
  ['De-registration result', 'result'],
  ['Originating UE Service ID', 'oriAddr'],
  ['Store and forward flag', 'stoAndFwInd'],
])('knows the specification\'s "%s" as %s', (name, element) => expect(own.elementOf(name)).toBe(element));

test('leaves a name that nobody knows unknown, those of JavaScript too', () => {
  for (const name of ['colour', '__proto__', 'constructor', 'toString', ''])
    expect(own.elementOf(name)).toBeUndefined();
});

test('encodes with the names of the table, in the order given, and leaves out what is undefined', () => {
  const json = own.encode({ msgType: 'MSG', oriAddr: { addrType: 'UE', addr: 'a@b' }, appId: undefined, msgId: '1' });
  expect(json).toBe('{"msgType":"MSG","oriAddr":{"addrType":"UE","addr":"a@b"},"msgId":"1"}');
});

const foreign = createElementMap({
  names: { msgType: 'message-type', addr: 'Address', result: 'registration_result' },
  values: { msgType: { REG: 'register' }, result: { true: 'ok', false: 'nok' } },
});

test("speaks another server's words when configuration says them", () => {
  const json = foreign.encode({ msgType: 'REG', oriAddr: { addrType: 'UE', addr: 'a@b' } });
  expect(json).toBe('{"message-type":"register","oriAddr":{"addrType":"UE","Address":"a@b"}}');
});

test('understands the words it speaks, and its own besides', () => {
  expect(decodeResult(utf8('{"Registration Result":"ok"}'), foreign)).toEqual({ result: true });
  expect(decodeResult(utf8('{"result":"nok"}'), foreign)).toEqual({ result: false });
  expect(
    decodeDeviceRequest(utf8('{"messageType":"register","layer2Id":"a","appId":"b","credential":"c"}'), foreign),
  ).toMatchObject({ msgType: 'REG' });
});

test('refuses a vocabulary in which two elements have one name', () => {
  expect(() => createElementMap({ names: { msgId: 'id', appId: 'I-D' } })).toThrow(
    expect.objectContaining({ code: 'config.elements' }),
  );
});

test('refuses a vocabulary in which one value means two things', () => {
  const values = { result: { true: 1, false: 1 } };
  expect(() => createElementMap({ values })).toThrow(expect.objectContaining({ code: 'config.elements' }));
});
