import { describe, expect, test } from 'vitest';
import { hex, utf8 } from '../base/bytes.ts';
import { decodeDeviceRequest, decodeMsgResp, decodeResult, decodeServerRequest } from './decode.ts';
import { createElementMap } from './elements.ts';
import { Refusal } from './refusal.ts';

const map = createElementMap();
const device = (json: string) => decodeDeviceRequest(utf8(json), map);
const server = (json: string) => decodeServerRequest(utf8(json), map);

test('reads a registration', () => {
  const json = '{"msgType":"REG","layer2Id":"00a1b2","appId":"meter","credential":"s3cret"}';
  expect(device(json)).toEqual({ msgType: 'REG', layer2Id: '00a1b2', appId: 'meter', credential: 's3cret' });
});

test('reads it in the words of the specification too', () => {
  const json =
    '{"Message Type":"REG","Layer-2 ID":"00a1b2","Application ID":"meter","Credential information":"s3cret"}';
  expect(device(json)).toEqual({ msgType: 'REG', layer2Id: '00a1b2', appId: 'meter', credential: 's3cret' });
});

test('reads a message, and leaves out what it does not know', () => {
  const json = '{"msgType":"MSG","payload":"21.5","colour":{"deep":[1,2]},"delivStReqInd":true}';
  expect(device(json)).toEqual({ msgType: 'MSG', payload: '21.5', delivStReqInd: true });
});

test('keeps words of enumerations that it does not know', () => {
  const json =
    '{"msgType":"MSG","oriAddr":{"addrType":"SATELLITE","addr":"x"},"destAddr":{"addrType":"UE","addr":"y"},"msgId":"1","stoAndFwInd":false,"priority":"URGENT"}';
  expect(server(json)).toMatchObject({ priority: 'URGENT', oriAddr: { addrType: 'SATELLITE' } });
  expect(
    server(
      '{"msgType":"IMDN","oriAddr":{"addrType":"UE","addr":"x"},"destAddr":{"addrType":"UE","addr":"y"},"msgId":"1","delivSt":"REPT_READ"}',
    ),
  ).toMatchObject({ delivSt: 'REPT_READ' });
});

describe('refuses', () => {
  const msg = '"msgType":"MSG","payload":"x"';
  const addresses = '"oriAddr":{"addrType":"UE","addr":"x"},"destAddr":{"addrType":"UE","addr":"y"}';
  test.each([
    ['', 'the payload is not JSON'],
    ['{"msgType":"MSG"', 'the payload is not JSON'],
    ['[]', 'JSON but a list'],
    ['null', 'JSON but null'],
    ['"MSG"', 'JSON but text'],
    ['{}', 'msgType: is missing'],
    ['{"msgType":7}', 'msgType: is a number'],
    ['{"msgType":"MSG"}', 'payload: is missing'],
    ['{"msgType":"MSG","payload":{"t":1}}', 'payload: is an object'],
    [`{${msg},"delivStReqInd":"true"}`, 'delivStReqInd: is text'],
    [`{${msg},"msgId":""}`, 'msgId: is empty'],
    [`{${msg},"msgId":"a\\nb"}`, 'msgId: holds a control character'],
    [`{${msg},"msgId":"\\ud800"}`, 'half a surrogate pair'],
    [`{${msg},"msgId":"${'é'.repeat(128)}"}`, 'msgId: is 256 octets long'],
    [`{${msg},"destAddr":"as-1"}`, 'destAddr: is text'],
    [`{${msg},"destAddr":[]}`, 'destAddr: is a list'],
    [`{${msg},"destAddr":{"addr":"as-1"}}`, 'destAddr: addrType is missing'],
    [`{${msg},"destAddr":{"addrType":"AS"}}`, 'destAddr: addr is missing'],
    [`{${msg},"destAddr":{"addrType":"AS","addr":1}}`, 'destAddr: addr is a number'],
    [`{${msg},"stoAndFwParams":{"exprTime":"tomorrow"}}`, 'stoAndFwParams: exprTime'],
    [`{${msg},"segParams":{"segNumb":1.5}}`, 'segParams: segNumb'],
    [`{${msg},"payloadEnc":"base64"}`, 'payload: is not base64'],
    ['{"msgType":"REG","layer2Id":"a","appId":"b"}', 'credential: is missing'],
    ['{"msgType":"REG","layer2Id":1,"appId":"b","credential":"c"}', 'layer2Id: is a number'],
    [`{"msgType":"IMDN",${addresses},"msgId":"1"}`, 'delivSt: is missing'],
    [`{"msgType":"MSG","payload":"x","payload":"y"}`, 'gives a name twice'],
    [`{"msgType":"REG","layer2Id":"a","appId":"b","credential":"c","msg-type":"MSG"}`, 'msgType: given twice'],
    [`{${msg},"destAddr":{"addrType":"AS","addr":"a","Address":"b"}}`, 'addr: given twice'],
    [`{${msg},"x":${'['.repeat(40)}${']'.repeat(40)}}`, 'nests 41 levels deep'],
    ['['.repeat(1_000), 'nests 1000 levels deep'],
  ])('%s with MALFORMED: %s', (json, sentence) => {
    const refusal = device(json);
    expect(refusal).toMatchObject({ cause: 'MALFORMED', code: 0x80, sentence: expect.stringContaining(sentence) });
  });

  test('an unknown message type with UNSUPPORTED_TYPE', () => {
    expect(device('{"msgType":"AGGMSG"}')).toMatchObject({ cause: 'UNSUPPORTED_TYPE', code: 0x80 });
    expect(device('{"msgType":"toString"}')).toMatchObject({ cause: 'UNSUPPORTED_TYPE' });
    expect(server('{"msgType":"REG"}')).toMatchObject({ cause: 'UNSUPPORTED_TYPE' });
  });

  test('octets that are not UTF-8', () => {
    const refusal = decodeDeviceRequest(hex('7b 22 ff 22 3a 31 7d'), map);
    expect(refusal).toMatchObject({ cause: 'MALFORMED', sentence: 'the payload is not UTF-8' });
  });
});

test('never says what was in a payload that it refuses', () => {
  for (const json of [
    '{"credential":"hunter2" nonsense',
    '{"msgType":"REG","credential":"hunter2',
    '{"msgType":"REG","credential":{"x":"hunter2"},"layer2Id":"a","appId":"b"}',
  ]) {
    const refusal = device(json);
    expect(refusal).toBeInstanceOf(Refusal);
    expect(JSON.stringify(refusal)).not.toContain('hunter2');
  }
});

test('quotes, backslashes and colons within text mislead it in nothing', () => {
  const payload = '{"a":"b"} \\ \\" : [[[[[[[[[[ \u0000';
  expect(device(JSON.stringify({ msgType: 'MSG', payload }))).toEqual({ msgType: 'MSG', payload });
});

test.each([
  ['{"result":true}', true],
  ['{"Registration result":"success"}', true],
  ['{"De-registration result":"SUCCESS"}', true],
  ['{"result":false}', false],
  ['{"result":"Failure"}', false],
])('reads the result of %s', (json, result) => expect(decodeResult(utf8(json), map)).toEqual({ result }));

test('a result that is neither is refused', () => {
  expect(decodeResult(utf8('{"result":"perhaps"}'), map)).toBeInstanceOf(Refusal);
  expect(decodeResult(utf8('{"result":1}'), map)).toBeInstanceOf(Refusal);
});

test('reads the answer to a message, with a status nobody knows', () => {
  const json = '{"msgType":"MSGRESP","oriAddr":{"addrType":"UE","addr":"x"},"msgId":"1","status":"DELY_QUEUED_TWICE"}';
  expect(decodeMsgResp(utf8(json), map)).toMatchObject({ msgId: '1', status: 'DELY_QUEUED_TWICE' });
});
