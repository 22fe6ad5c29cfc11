import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hex } from '../base/bytes.ts';
import { GatewayError } from '../base/errors.ts';
import { contentFormat, maxAge, uintOption, uriPath } from '../coap/options.ts';
import type { Store } from '../store/types.ts';
import {
  gatewayId,
  incoming,
  meterPlace,
  meterReg,
  openWorld,
  valvePlace,
  valveReg,
  type World,
} from './test-world.ts';

const uuid = '0b6c7b0e-8d54-4c43-9f3e-2a9d1c0f5a77';
const elements = (row: { body: string }) => JSON.parse(row.body) as Record<string, unknown>;

describe('a message of a device', () => {
  test('is on disk when its answer comes, as MSGin5G-1 wants it', async () => {
    await using world = await openWorld();
    await world.device(meterReg);
    const json = `{"msgType":"MSG","appId":"water","msgId":"${uuid}","destAddr":{"addrType":"UE","addr":"ue-7@example.com"},"payload":"21.5","delivStReqInd":true}`;
    expect(await world.device(json)).toMatchObject({ code: '2.04', body: { msgType: 'MSGRESP', msgId: uuid } });
    const [row] = await world.messages();
    expect(row).toMatchObject({
      direction: 'up',
      kind: 'MSG',
      messageId: uuid,
      originator: 'meter-1',
      appId: 'water',
      state: 'queued',
      deliveryStatusRequired: true,
    });
    expect(row!.expiresAtMs! - row!.receivedAtMs).toBe(7 * 24 * 3_600_000);
    expect(elements(row!)).toEqual({
      msgType: 'MSG',
      oriAddr: { addrType: 'UE', addr: gatewayId },
      destAddr: { addrType: 'UE', addr: 'ue-7@example.com' },
      msgId: uuid,
      stoAndFwInd: false,
      appId: 'water',
      delivStReqInd: true,
      payload: '21.5',
    });
  });

  test('leaves a row in the audit trail with its size, not its payload', async () => {
    await using world = await openWorld();
    await world.device(meterReg);
    await world.device('{"msgType":"MSG","msgId":"7","payload":"private matters"}');
    const [row] = await world.audit();
    expect(row).toMatchObject({
      action: 'message.received',
      actor: 'device:meter-1',
      object: 'message:7',
      after: { appId: 'water', octets: 57 },
    });
    expect(JSON.stringify(await world.audit())).not.toContain('private');
  });

  test('without Application ID is of the one that is registered at its place, and goes to the default destination', async () => {
    await using world = await openWorld();
    await world.device(meterReg);
    await world.device('{"msgType":"MSG","payload":"x"}');
    expect(elements((await world.messages())[0]!)).toMatchObject({
      appId: 'water',
      destAddr: { addrType: 'AS', addr: 'as-1@example.com' },
    });
  });

  test('without Application ID where several are registered is MALFORMED, and the answer names the element', async () => {
    await using world = await openWorld();
    await world.device(meterReg);
    await world.device(meterReg.replace('water', 'water-alarm'));
    expect(await world.device('{"msgType":"MSG","payload":"x"}')).toMatchObject({
      code: '4.00',
      body: {
        msgType: 'MSGRESP',
        status: 'DELY_FAILED',
        failureCause: 'MALFORMED',
        detail: 'appId: is missing, and 2 are registered here',
      },
    });
  });

  test('without destination is MALFORMED where no default is configured', async () => {
    await using world = await openWorld({ defaultDestination: undefined });
    await world.device(meterReg);
    expect(await world.device('{"msgType":"MSG","payload":"x"}')).toMatchObject({
      code: '4.00',
      body: { failureCause: 'MALFORMED' },
    });
  });

  test.each([
    ['from where nothing is registered', '{"msgType":"MSG","msgId":"9","payload":"x"}', valvePlace],
    ["for another device's application", '{"msgType":"MSG","msgId":"9","appId":"heat","payload":"x"}', meterPlace],
  ])('%s is 4.04 NOT_REGISTERED', async (_where, json, place) => {
    await using world = await openWorld();
    await world.device(meterReg);
    expect(await world.device(json, place)).toMatchObject({
      code: '4.04',
      body: { msgType: 'MSGRESP', msgId: '9', status: 'DELY_FAILED', failureCause: 'NOT_REGISTERED' },
    });
    expect(await world.messages()).toEqual([]);
  });

  test("carries the device's own UE Service ID when it is an originator itself", async () => {
    await using world = await openWorld();
    await world.device('{"msgType":"REG","layer2Id":"camera-1","appId":"view","credential":"camera secret"}');
    await world.device('{"msgType":"MSG","msgId":"1","payload":"x"}');
    expect(elements((await world.messages())[0]!)).toMatchObject({
      oriAddr: { addr: 'camera-1@example.com' },
      msgId: '1',
    });
  });

  test('with the small number of another device does not hide that one at the server', async () => {
    await using world = await openWorld();
    await world.device(meterReg);
    await world.device(valveReg, valvePlace);
    await world.device('{"msgType":"MSG","msgId":"1","payload":"x"}');
    await world.device('{"msgType":"MSG","msgId":"1","payload":"x"}', valvePlace);
    expect((await world.messages()).map(row => elements(row).msgId).sort()).toEqual(['meter-1/1', 'valve-1/1']);
  });

  test('ends when it says, if it says so', async () => {
    await using world = await openWorld();
    await world.device(meterReg);
    await world.device(
      '{"msgType":"MSG","payload":"x","stoAndFwInd":true,"stoAndFwParams":{"exprTime":"2026-11-22T00:00:00Z"}}',
    );
    expect((await world.messages())[0]!.expiresAtMs).toBe(Date.UTC(2026, 10, 22));
  });

  test('gets 5.03 with Max-Age when too many wait for the server', async () => {
    await using world = await openWorld({ maxQueued: 1 });
    await world.device(meterReg);
    await world.device('{"msgType":"MSG","payload":"x"}');
    const answer = await world.device('{"msgType":"MSG","payload":"y"}');
    expect(answer).toMatchObject({ code: '5.03', body: { status: 'DELY_FAILED', failureCause: 'CONGESTION' } });
    expect(answer.response.options).toContainEqual(maxAge(10));
  });
});

describe('a Message ID seen before from the same device', () => {
  test('gets the same answer and has no second effect', async () => {
    await using world = await openWorld();
    await world.device(meterReg);
    const json = '{"msgType":"MSG","msgId":"7","payload":"x"}';
    const first = await world.device(json);
    expect(await world.device(json)).toEqual(first);
    expect(await world.messages()).toHaveLength(1);
    expect(world.counters.snapshot()).toMatchObject({ received: 1, repeated: 1 });
    expect(world.noted).toMatchObject([{ action: 'message.duplicate', object: 'message:7' }]);
  });

  test('has one effect when both come at once', async () => {
    await using world = await openWorld();
    await world.device(meterReg);
    const json = '{"msgType":"MSG","msgId":"7","payload":"x"}';
    const answers = await Promise.all([world.device(json), world.device(json), world.device(json)]);
    expect(answers.map(({ code }) => code)).toEqual(['2.04', '2.04', '2.04']);
    expect(await world.messages()).toHaveLength(1);
  });
});

describe('a message without ID', () => {
  const json = '{"msgType":"MSG","payload":"door open"}';
  const marks = { messageId: 0x0001, token: hex('aa') };

  test('gets one, the same for its copy after a restart', async () => {
    await using world = await openWorld();
    await world.device(meterReg);
    const first = await world.device(json, meterPlace, marks);
    const disk = await world.disk.reopen();
    const after = await openWorld({}, { disk });
    expect(await after.device(json, meterPlace, marks)).toEqual(first);
    expect(await after.messages()).toHaveLength(1);
    await disk.store.close();
  });

  test('gets another when token and Message ID come again after EXCHANGE_LIFETIME', async () => {
    await using world = await openWorld();
    await world.device(meterReg);
    for (let i = 0; i < 3; i++) {
      await world.device(json, meterPlace, marks);
      await world.device(json, meterPlace, marks);
      world.clock.advance(247_001);
    }
    expect(new Set((await world.messages()).map(row => row.messageId)).size).toBe(3);
    expect(world.counters.snapshot()).toMatchObject({ received: 3, repeated: 3 });
  });

  test('keeps it over the turn of the hour, when the copy comes after a restart', async () => {
    await using world = await openWorld();
    await world.device(meterReg);
    world.clock.advance(3_600_000 - 10_000);
    const first = await world.device(json, meterPlace, marks);
    const disk = await world.disk.reopen();
    world.clock.advance(20_000);
    const after = await openWorld({}, { disk });
    expect(await after.device(json, meterPlace, marks)).toEqual(first);
    expect(await after.messages()).toHaveLength(1);
    await disk.store.close();
  });

  test('has an ID of its own with another payload, token or Message ID', async () => {
    await using world = await openWorld();
    await world.device(meterReg);
    await world.device(json, meterPlace, marks);
    await world.device(json, meterPlace, { ...marks, messageId: 2 });
    await world.device(json, meterPlace, { ...marks, token: hex('ab') });
    await world.device(json.replace('open', 'shut'), meterPlace, marks);
    expect(await world.messages()).toHaveLength(4);
  });
});

describe('a report of a device', () => {
  const fromServer =
    '{"msgType":"MSG","oriAddr":{"addrType":"AS","addr":"as-1@example.com"},"destAddr":{"addrType":"UE","addr":"ue-gateway-1@example.com"},"appId":"water","msgId":"m1","stoAndFwInd":false,"delivStReqInd":true,"payload":"close"}';
  const report =
    '{"msgType":"IMDN","destAddr":{"addrType":"AS","addr":"as-1@example.com"},"msgId":"m1","delivSt":"REPT_DELY_FAILED","failureCause":"jammed"}';

  test('ends the message and goes up with the original Message ID', async () => {
    await using world = await openWorld();
    await world.device(meterReg);
    await world.fromServer(fromServer);
    expect(await world.device(report)).toMatchObject({ code: '2.04', text: '' });
    const [imdn, message] = await world.messages();
    expect(message).toMatchObject({ direction: 'down', kind: 'MSG', state: 'failed', cause: 'jammed' });
    expect(imdn).toMatchObject({ direction: 'up', kind: 'IMDN', messageId: 'm1', state: 'queued' });
    expect(elements(imdn!)).toEqual({
      msgType: 'IMDN',
      oriAddr: { addrType: 'UE', addr: gatewayId },
      destAddr: { addrType: 'AS', addr: 'as-1@example.com' },
      msgId: 'm1',
      delivSt: 'REPT_DELY_FAILED',
      failureCause: 'jammed',
    });
  });

  test('has no second effect', async () => {
    await using world = await openWorld();
    await world.device(meterReg);
    await world.fromServer(fromServer);
    await world.device(report);
    expect(await world.device(report.replace('FAILED', 'SUCCESS'))).toMatchObject({ code: '2.04' });
    expect(await world.messages()).toHaveLength(2);
  });

  test("about another device's message is 4.04", async () => {
    await using world = await openWorld();
    await world.device(meterReg);
    await world.device(valveReg, valvePlace);
    await world.fromServer(fromServer);
    expect(await world.device(report, valvePlace)).toMatchObject({ code: '4.04' });
    expect((await world.messages())[0]).toMatchObject({ kind: 'MSG', state: 'queued' });
  });
});

describe('at the door', () => {
  let world: World;
  beforeAll(async () => void (world = await openWorld()));
  afterAll(() => world[Symbol.asyncDispose]());

  test.each([
    ['another path', { options: [...uriPath('temperature'), contentFormat(50)] }, '4.04'],
    ['no path', { options: [contentFormat(50)] }, '4.04'],
    ['a longer path', { options: [...uriPath('msgin5g/x'), contentFormat(50)] }, '4.04'],
    ['GET', { code: 0x01 }, '4.05'],
    ['DELETE', { code: 0x04 }, '4.05'],
    ['no Content-Format', { options: uriPath('msgin5g') }, '4.15'],
    ['Content-Format 60', { options: [...uriPath('msgin5g'), contentFormat(60)] }, '4.15'],
    ['Accept 60', { options: [...uriPath('msgin5g'), contentFormat(50), uintOption(17, 60)] }, '4.06'],
  ])('%s gets %s', async (_what, with_, code) => {
    const answer = await world.device(meterReg, meterPlace, with_);
    expect(answer.code).toBe(code);
    expect(answer.response.options).toEqual([]);
    expect(answer.text).not.toBe('');
    expect(world.noted.at(-1)).toMatchObject({ action: 'peer.malformed', result: 'refused' });
  });

  test('a payload too large gets 4.13 with Size1', async () => {
    const answer = await world.device(meterReg.replace('water', 'w'.repeat(1_024)));
    expect(answer).toMatchObject({ code: '4.13', body: { result: false, cause: 'TOO_LARGE' } });
    expect(answer.response.options).toContainEqual(uintOption(60, 1_024));
  });

  test.each([
    ['bad JSON', '{"msgType":', 'MALFORMED'],
    ['octets that are not UTF-8', hex('7b22ff223a317d'), 'MALFORMED'],
    ['an unknown message type', '{"msgType":"AGGMSG"}', 'UNSUPPORTED_TYPE'],
    ['a registration without credential', '{"msgType":"REG","layer2Id":"meter-1","appId":"water"}', 'MALFORMED'],
  ])('%s gets 4.00 with its cause', async (_what, payload, cause) => {
    const response = await world.service.handle(meterPlace, incoming(payload));
    expect(response.code).toBe(0x80);
    expect(JSON.parse(Buffer.from(response.payload).toString())).toMatchObject({ result: false, cause });
    expect(world.noted.at(-1)).toMatchObject({ action: 'peer.malformed', reason: cause });
  });
});

test('when the disk fails, a device gets 5.03 with Max-Age and nothing is accepted', async () => {
  const full = (): Promise<never> => Promise.reject(new GatewayError('store.disk-full', 'no space left'));
  const store = (real: Store) => ({
    registry: real.registry,
    outbox: new Proxy(real.outbox, {
      get(outbox, name: keyof Store['outbox']) {
        const member = outbox[name];
        if (name === 'add') return full;
        return typeof member === 'function' ? member.bind(outbox) : member;
      },
    }),
  });
  await using world = await openWorld({}, { store });
  await world.device(meterReg);
  const answer = await world.device('{"msgType":"MSG","msgId":"7","payload":"x"}');
  expect(answer).toMatchObject({
    code: '5.03',
    body: { msgType: 'MSGRESP', msgId: '7', status: 'DELY_FAILED', failureCause: 'INTERNAL' },
  });
  expect(answer.response.options).toContainEqual(maxAge(10));
  expect(world.counters.snapshot()).toMatchObject({ received: 0, refused: { INTERNAL: 1 } });
});
