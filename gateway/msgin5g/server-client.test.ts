import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fromUtf8 } from '../base/bytes.ts';
import { Secret } from '../base/secret.ts';
import { contentFormat, maxAge, uriPath } from '../coap/options.ts';
import { createElementMap } from './elements.ts';
import {
  gatewayId,
  incoming,
  meterReg,
  openWorld,
  outgoingAnswer,
  valvePlace,
  valveReg,
  type World,
} from './test-world.ts';
import type { Profile } from './profile.ts';

const created = 0x41;
const changed = 0x44;

/** For tests that leave nothing on disk. */
let shared: World;
beforeAll(async () => {
  shared = await openWorld();
  await shared.device(meterReg);
});
afterAll(() => shared[Symbol.asyncDispose]());

/** Registers against a server that answers so; gives what was sent, or what it was refused with. */
async function ask(
  what: 'register' | 'deregister',
  code: number,
  json: string,
  settings: Partial<Profile> = {},
  options = [contentFormat(50)],
) {
  const world = await openWorld(settings, { disk: shared.disk });
  let sent = '';
  await world.server[what](payload => {
    sent = fromUtf8(payload)!;
    return Promise.resolve(outgoingAnswer(code, json, options));
  });
  return sent;
}

describe('registration at the server', () => {
  test('says who we are, and no credential', async () => {
    const sent = await ask('register', created, `{"ueServiceId":"${gatewayId}","result":true}`);
    expect(sent).toBe(`{"msgType":"REG","serviceId":"msgin5g","ueServiceId":"${gatewayId}"}`);
  });

  test.each([
    [created, '{"result":true}'],
    [changed, '{"result":true}'],
    [changed, '{"Registration result":"Success","UE Service ID":"ue-gateway-1@example.com"}'],
  ])('is done with %i %s', async (code, json) => expect(ask('register', code, json)).resolves.toContain('REG'));

  test.each([
    [
      'a 2.01 whose result says failure',
      created,
      '{"result":false,"cause":"ID_MISMATCH"}',
      'registration.refused',
      'ID_MISMATCH',
    ],
    ['a 2.04 whose result says failure', changed, '{"Registration result":"failure"}', 'registration.refused', '2.04'],
    ['4.03 with a cause', 0x83, '{"result":false,"cause":"NOT_AUTHORIZED"}', 'registration.refused', 'NOT_AUTHORIZED'],
    ['4.00 without payload', 0x80, '', 'registration.refused', '4.00'],
    ['4.00 that says success', 0x80, '{"result":true}', 'registration.refused', '4.00'],
    ['5.00 with nonsense', 0xa0, '<html>', 'registration.refused', '5.00'],
    ['2.01 without payload', created, '', 'registration.nonsense', 'no result'],
    ['2.01 with nonsense', created, '<html>', 'registration.nonsense', 'not JSON'],
    ['2.01 with a list', created, '[]', 'registration.nonsense', 'list'],
    ['2.01 with a result that is neither', created, '{"result":"perhaps"}', 'registration.nonsense', 'result'],
    ['2.05', 0x45, '{"result":true}', 'registration.nonsense', '2.05, but a success is 2.01 or 2.04'],
    ['the name of a property of every object', 0x83, '{"cause":"constructor"}', 'registration.refused', 'constructor'],
    [
      'success for somebody else',
      created,
      '{"ueServiceId":"x@example.com","result":true}',
      'registration.id-mismatch',
      'x@example.com',
    ],
  ])('fails with %s', async (_what, code, json, errorCode, words) => {
    const failure = { code: errorCode, message: expect.stringContaining(words), hint: expect.any(String) };
    await expect(ask('register', code, json)).rejects.toMatchObject(failure);
  });

  test('says for how long a server is busy', async () => {
    await expect(ask('register', 0xa3, '', {}, [maxAge(30)])).rejects.toMatchObject({
      code: 'registration.busy',
      message: expect.stringContaining('30 s'),
    });
  });

  test('quotes no control characters of a server', async () => {
    await expect(ask('register', 0x83, '{"cause":"\\u001b[2J"}')).rejects.toMatchObject({
      message: expect.stringContaining('?[2J'),
    });
  });

  test('carries a credential for a server of the older stage 2, when one is configured', async () => {
    const sent = await ask('register', created, '{"result":true}', { ueCredential: new Secret(Buffer.from('older')) });
    expect(sent).toContain('"credential":"older"');
  });

  test("is in another server's words when the profile says them", async () => {
    const serverElements = createElementMap({ names: { msgType: 'Message Type', ueServiceId: 'UE Service ID' } });
    const sent = await ask('register', created, '{"Registration result":"success"}', { serverElements });
    expect(sent).toBe(`{"Message Type":"REG","serviceId":"msgin5g","UE Service ID":"${gatewayId}"}`);
  });
});

describe('de-registration at the server', () => {
  test('is done with 2.04 and success', async () => {
    const sent = await ask('deregister', changed, '{"De-registration result":"success"}');
    expect(sent).toBe(`{"msgType":"DEREG","serviceId":"msgin5g","ueServiceId":"${gatewayId}"}`);
  });

  test('is done when the server does not know us any more', async () => {
    await expect(ask('deregister', 0x84, '{"result":false,"cause":"NOT_REGISTERED"}')).resolves.toContain('DEREG');
  });

  test('fails with 4.03', async () => {
    await expect(ask('deregister', 0x83, '')).rejects.toMatchObject({ code: 'registration.refused' });
  });
});

const msg = (changes: object = {}) =>
  JSON.stringify({
    msgType: 'MSG',
    oriAddr: { addrType: 'AS', addr: 'as-1@example.com' },
    destAddr: { addrType: 'UE', addr: gatewayId },
    appId: 'water',
    msgId: 'm1',
    stoAndFwInd: false,
    payload: 'close',
    ...changes,
  });

describe('a message of the server', () => {
  test('is on disk for its device when the answer comes', async () => {
    await using world = await openWorld();
    await world.device(meterReg);
    expect(await world.fromServer(msg())).toMatchObject({
      code: '2.04',
      body: { msgType: 'MSGRESP', oriAddr: { addrType: 'UE', addr: gatewayId }, msgId: 'm1' },
    });
    const [row] = await world.messages();
    expect(row).toMatchObject({
      direction: 'down',
      kind: 'MSG',
      originator: 'as-1@example.com',
      appId: 'water',
      state: 'queued',
    });
    expect(row!.body).toBe(
      '{"msgType":"MSG","oriAddr":{"addrType":"AS","addr":"as-1@example.com"},"appId":"water","msgId":"m1","payload":"close"}',
    );
  });

  test('that comes again has no second effect and the same answer, after a restart too', async () => {
    await using world = await openWorld();
    await world.device(meterReg);
    const first = await world.fromServer(msg());
    expect(await world.fromServer(msg())).toEqual(first);
    const disk = await world.disk.reopen();
    const after = await openWorld({}, { disk });
    expect(await after.fromServer(msg())).toEqual(first);
    expect(await after.messages()).toHaveLength(1);
    expect(after.counters.snapshot().repeated).toBe(1);
    await disk.store.close();
  });

  test('has an ID of its own with each originator', async () => {
    await using world = await openWorld();
    await world.device(meterReg);
    await world.fromServer(msg());
    await world.fromServer(msg({ oriAddr: { addrType: 'UE', addr: 'ue-2@example.com' } }));
    expect(await world.messages()).toHaveLength(2);
  });

  test.each([
    ['an unknown application', { appId: 'gas' }, 'NOT_REGISTERED'],
    ['no application', { appId: undefined }, 'MALFORMED'],
    ['somebody else', { destAddr: { addrType: 'UE', addr: 'other@example.com' } }, 'ID_MISMATCH'],
  ])('for %s is a delivery failure, and never a broadcast', async (_whom, changes, cause) => {
    expect(await shared.fromServer(msg(changes))).toMatchObject({
      code: '2.04',
      body: { msgType: 'MSGRESP', msgId: 'm1', status: 'DELY_FAILED', failureCause: cause },
    });
    expect(await shared.messages()).toEqual([]);
    expect(shared.noted.at(-1)).toMatchObject({ action: 'message.refused', object: 'message:m1', reason: cause });
  });

  test('is put off with 5.03 and Max-Age while too many wait for devices', async () => {
    await using world = await openWorld({ maxQueued: 1 });
    await world.device(meterReg);
    await world.fromServer(msg());
    const answer = await world.fromServer(msg({ msgId: 'm2' }));
    expect(answer).toMatchObject({ code: '5.03', body: { msgId: 'm2', failureCause: 'CONGESTION' } });
    expect(answer.response.options).toContainEqual(maxAge(10));
    expect(await world.messages()).toHaveLength(1);
  });

  test('for an unknown application is reported as failed when a report was asked for, once', async () => {
    await using world = await openWorld();
    await world.fromServer(msg({ delivStReqInd: true }));
    await world.fromServer(msg({ delivStReqInd: true }));
    const [report, ...more] = await world.messages();
    expect(more).toEqual([]);
    expect(report).toMatchObject({ direction: 'up', kind: 'IMDN', messageId: 'm1' });
    expect(JSON.parse(report!.body)).toMatchObject({
      destAddr: { addr: 'as-1@example.com' },
      delivSt: 'REPT_DELY_FAILED',
      failureCause: 'NOT_REGISTERED',
    });
  });

  test("to a device's own UE Service ID needs no Application ID", async () => {
    await using world = await openWorld();
    await world.device('{"msgType":"REG","layer2Id":"camera-1","appId":"view","credential":"camera secret"}');
    await world.fromServer(msg({ appId: undefined, destAddr: { addrType: 'UE', addr: 'camera-1@example.com' } }));
    expect((await world.messages())[0]).toMatchObject({ appId: 'view' });
  });

  test.each([
    ['bad JSON', () => incoming('{'), 0x80],
    ['a registration', () => incoming('{"msgType":"REG"}'), 0x80],
    ['without Message ID', () => incoming(msg({ msgId: undefined })), 0x80],
    ['another path', () => incoming(msg(), { options: [...uriPath('x'), contentFormat(50)] }), 0x84],
    ['text', () => incoming(msg(), { options: [...uriPath('msgin5g'), contentFormat(0)] }), 0x8f],
    ['too much', () => incoming(msg({ payload: 'x'.repeat(4_096) })), 0x8d],
  ])('%s is refused, and leaves nothing on disk', async (_what, request, code) => {
    expect((await shared.server.onRequest(request())).code).toBe(code);
    expect(await shared.messages()).toEqual([]);
  });
});

describe('a report of the server', () => {
  const report = (msgId: string, delivSt = 'REPT_DELY_SUCCESS') =>
    JSON.stringify({
      msgType: 'IMDN',
      oriAddr: { addrType: 'AS', addr: 'as-1@example.com' },
      destAddr: { addrType: 'UE', addr: gatewayId },
      msgId,
      delivSt,
    });
  const upState = async (world: World) => (await world.messages()).find(row => row.direction === 'up')?.state;

  test('makes the message delivered, and goes to the device with the original Message ID', async () => {
    await using world = await openWorld();
    await world.device(meterReg);
    await world.device('{"msgType":"MSG","msgId":"7","payload":"x","delivStReqInd":true}');
    expect(await world.fromServer(report('meter-1/7'))).toMatchObject({ code: '2.04', text: '' });
    expect(await upState(world)).toBe('delivered');
    const down = (await world.messages()).find(row => row.direction === 'down')!;
    expect(down).toMatchObject({
      kind: 'IMDN',
      messageId: '7',
      originator: 'meter-1',
      appId: 'water',
      state: 'queued',
    });
    expect(down.body).toBe(
      '{"msgType":"IMDN","msgId":"7","delivSt":"REPT_DELY_SUCCESS","oriAddr":{"addrType":"AS","addr":"as-1@example.com"}}',
    );
  });

  test('stays here when the device asked for none', async () => {
    await using world = await openWorld();
    await world.device(meterReg);
    await world.device('{"msgType":"MSG","msgId":"7","payload":"x"}');
    await world.fromServer(report('meter-1/7', 'REPT_DELY_FAILED'));
    expect(await world.messages()).toMatchObject([{ direction: 'up', state: 'failed' }]);
  });

  test('finds a message by its UUID, after a restart too', async () => {
    await using world = await openWorld();
    await world.device(meterReg);
    await world.device(valveReg, valvePlace);
    const { body } = await world.device('{"msgType":"MSG","payload":"x"}', valvePlace);
    const disk = await world.disk.reopen();
    const after = await openWorld({}, { disk });
    expect(await after.fromServer(report((body as { msgId: string }).msgId))).toMatchObject({ code: '2.04' });
    expect(await upState(after)).toBe('delivered');
    await disk.store.close();
  });

  test('that comes again has no second effect', async () => {
    await using world = await openWorld();
    await world.device(meterReg);
    await world.device('{"msgType":"MSG","msgId":"7","payload":"x","delivStReqInd":true}');
    await world.fromServer(report('meter-1/7'));
    expect(await world.fromServer(report('meter-1/7', 'REPT_DELY_FAILED'))).toMatchObject({ code: '2.04' });
    expect(await upState(world)).toBe('delivered');
    expect(await world.messages()).toHaveLength(2);
  });

  test('of a status that nobody knows is passed on and changes nothing here', async () => {
    await using world = await openWorld();
    await world.device(meterReg);
    await world.device('{"msgType":"MSG","msgId":"7","payload":"x","delivStReqInd":true}');
    await world.fromServer(report('meter-1/7', 'REPT_READ'));
    expect(await upState(world)).toBe('queued');
    expect((await world.messages())[0]!.body).toContain('"delivSt":"REPT_READ"');
  });

  test.each(['meter-1/8', 'nobody/7', '0b6c7b0e-8d54-4c43-9f3e-2a9d1c0f5a77', '%zz/7'])(
    'about %s, which is no message of ours, is 4.04',
    async msgId => {
      expect(await shared.fromServer(report(msgId))).toMatchObject({ code: '4.04' });
    },
  );
});
