import { expect, test } from 'vitest';
import { fromUtf8 } from '../base/bytes.ts';
import { GatewayError } from '../base/errors.ts';
import { settle } from '../base/test-clock.ts';
import { maxAge } from '../coap/options.ts';
import type { IncomingResponse } from '../coap/types.ts';
import type { SessionState, SessionStatus } from '../session/types.ts';
import type { Message } from '../store/types.ts';
import { createUpRelay } from './relay-up.ts';
import { meterReg, noAnswer, openWorld, outgoingAnswer, until, type World } from './test-world.ts';

const changed = 0x44;
const taken = () => outgoingAnswer(changed, '{"msgType":"MSGRESP","msgId":"x"}');

/** A server that answers as the test says, in turn; the last answer stays. */
async function openRelay(
  answers: (() => IncomingResponse | Promise<IncomingResponse>)[],
  state: SessionState = 'up',
  inFlight = 4,
) {
  const world = await openWorld();
  const listeners = new Set<(status: SessionStatus) => void>();
  const posts: string[] = [];
  let registrations = 0;
  let willHaveUs = true;
  const status = (): SessionStatus => ({ state, sinceMs: 0, server: 'test', attempts: 0 });
  const session = {
    status,
    onStatus(listener: (status: SessionStatus) => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async post(payload: Uint8Array) {
      posts.push((JSON.parse(fromUtf8(payload)!) as { msgId: string }).msgId);
      return (answers.length > 1 ? answers.shift()! : answers[0]!)();
    },
    async register() {
      registrations++;
      if (!willHaveUs) throw new GatewayError('registration.refused', 'no');
    },
  };
  const parameters = { ...world.relay.parameters, upInFlight: inFlight };
  const relay = createUpRelay({ ...world.relay, parameters, session });
  await world.device(meterReg);
  relay.start();
  return {
    world,
    relay,
    posts,
    registrations: () => registrations,
    refuseUs: (isRefused: boolean) => void (willHaveUs = !isRefused),
    send: (msgId: string, more = '') => world.device(`{"msgType":"MSG","msgId":"${msgId}","payload":"x"${more}}`),
    become(next: SessionState) {
      state = next;
      for (const listener of listeners) listener(status());
    },
    async [Symbol.asyncDispose]() {
      relay.stop();
      await world[Symbol.asyncDispose]();
    },
  };
}

const messageOf = async (world: World, messageId: string, kind: Message['kind'] = 'MSG') =>
  (await world.messages()).find(row => row.messageId === messageId && row.kind === kind);
const stateOf = async (world: World, messageId: string) => (await messageOf(world, messageId))?.state;

test('a message that the server took is acknowledged, with its time', async () => {
  await using site = await openRelay([taken]);
  await site.send('1');
  await until(async () => (await stateOf(site.world, '1')) === 'acknowledged');
  await until(() => site.world.counters.snapshot().acknowledged === 1);
  expect(site.posts).toEqual(['meter-1/1']);
  expect(site.world.counters.snapshot()).toMatchObject({ sent: 1, acknowledged: 1, upLatencyMsP50: 0 });
  expect(await site.world.audit()).toContainEqual(
    expect.objectContaining({ action: 'message.acknowledged', actor: 'server', object: 'message:1' }),
  );
});

test.each([
  ['DELY_STORED', '{"msgId":"x","status":"DELY_STORED"}'],
  ['a status nobody knows', '{"msgId":"x","status":"DELY_TOMORROW"}'],
  ['nothing', ''],
])('%s in a 2.04 is an acknowledgement too', async (_what, json) => {
  await using site = await openRelay([() => outgoingAnswer(changed, json)]);
  await site.send('1');
  await until(async () => (await stateOf(site.world, '1')) === 'acknowledged');
});

test.each([
  [
    'DELY_FAILED in a 2.04',
    changed,
    '{"msgId":"x","status":"DELY_FAILED","failureCause":"no such user"}',
    'no such user',
  ],
  ['4.00', 0x80, '', '4.00'],
  ['4.03 with a cause', 0x83, '{"result":false,"cause":"NOT_AUTHORIZED"}', 'NOT_AUTHORIZED'],
  ['5.01', 0xa1, '', '5.01'],
])('%s fails the message, and its device hears of it', async (_what, code, json, cause) => {
  await using site = await openRelay([() => outgoingAnswer(code, json)]);
  await site.send('1', ',"delivStReqInd":true');
  await until(async () => (await stateOf(site.world, '1')) === 'failed');
  expect(await messageOf(site.world, '1')).toMatchObject({ cause, attempts: 1 });
  const report = await messageOf(site.world, '1', 'IMDN');
  expect(report).toMatchObject({ direction: 'down', appId: 'water' });
  expect(JSON.parse(report!.body)).toMatchObject({ msgId: '1', delivSt: 'REPT_DELY_FAILED', failureCause: cause });
});

test('a message too large for the way fails, and does not stop the next', async () => {
  const tooLarge = () => Promise.reject(new GatewayError('coap.too-large', '2000 octets'));
  await using site = await openRelay([tooLarge, taken]);
  await site.send('1');
  await site.send('2');
  await until(async () => (await stateOf(site.world, '2')) === 'acknowledged');
  expect(await messageOf(site.world, '1')).toMatchObject({ state: 'failed', cause: 'TOO_LARGE' });
});

test('a message without an answer stays queued and is sent again with its ID, not at once', async () => {
  await using site = await openRelay([() => Promise.reject(noAnswer()), taken]);
  await site.send('1');
  await until(() => site.posts.length === 1);
  await settle();
  expect(await stateOf(site.world, '1')).toBe('queued');
  expect(site.posts).toHaveLength(1);
  site.world.clock.advance(1_000);
  await until(async () => (await stateOf(site.world, '1')) === 'acknowledged');
  expect(site.posts).toEqual(['meter-1/1', 'meter-1/1']);
});

test('tries grow rarer while there is no answer, and never end', async () => {
  await using site = await openRelay([() => Promise.reject(noAnswer())]);
  await site.send('1');
  await until(() => site.posts.length === 1);
  for (let second = 0; second < 600; second++) await site.world.clock.advanceAsync(1_000);
  expect(site.posts.length).toBeGreaterThan(12);
  expect(site.posts.length).toBeLessThan(30);
  expect(await stateOf(site.world, '1')).toBe('queued');
});

test('after 5.03 nothing is sent for its Max-Age', async () => {
  await using site = await openRelay([() => outgoingAnswer(0xa3, '', [maxAge(30)]), taken], 'up', 1);
  await site.send('1');
  await until(() => site.posts.length === 1);
  await site.send('2');
  await site.world.clock.advanceAsync(29_999);
  expect(site.posts).toHaveLength(1);
  await site.world.clock.advanceAsync(1);
  await until(async () => (await stateOf(site.world, '2')) === 'acknowledged');
  expect(site.posts).toEqual(['meter-1/1', 'meter-1/1', 'meter-1/2']);
});

test('a server that says Max-Age 0 is not asked at once', async () => {
  await using site = await openRelay([() => outgoingAnswer(0xa3, '', [maxAge(0)])]);
  await site.send('1');
  await until(() => site.posts.length === 1);
  await site.world.clock.advanceAsync(500);
  expect(site.posts).toHaveLength(1);
});

test.each([
  ['5.00', () => outgoingAnswer(0xa0)],
  ['nonsense', () => outgoingAnswer(changed, '<html>')],
  ['NOT_REGISTERED', () => outgoingAnswer(0x84, '{"failureCause":"NOT_REGISTERED"}')],
])('a message that gets nothing but %s fails in the end, and the next goes', async (_what, answer) => {
  await using site = await openRelay([...Array<() => IncomingResponse>(8).fill(answer), taken], 'up', 1);
  await site.send('1');
  await until(async () => {
    await site.world.clock.advanceAsync(60_000);
    return (await stateOf(site.world, '1')) === 'failed';
  });
  expect(site.posts).toHaveLength(8);
  await site.send('2');
  await until(async () => (await stateOf(site.world, '2')) === 'acknowledged');
});

test('a server that lost our registration gets it anew, and the message then', async () => {
  await using site = await openRelay([
    () => outgoingAnswer(0x84, '{"msgType":"MSGRESP","status":"DELY_FAILED","failureCause":"NOT_REGISTERED"}'),
    taken,
  ]);
  await site.send('1');
  await until(() => site.registrations() === 1);
  await site.world.clock.advanceAsync(1_000);
  await until(async () => (await stateOf(site.world, '1')) === 'acknowledged');
  expect(site.registrations()).toBe(1);
});

test('a server that will not have us back costs no message', async () => {
  const unregistered = () => outgoingAnswer(0x84, '{"failureCause":"NOT_REGISTERED"}');
  await using site = await openRelay([...Array<() => IncomingResponse>(20).fill(unregistered), taken]);
  site.refuseUs(true);
  await site.send('1');
  await until(async () => {
    await site.world.clock.advanceAsync(60_000);
    return site.registrations() >= 12;
  });
  expect(await stateOf(site.world, '1')).toBe('queued');
});

test('nothing is sent while the session is not up, and all of it, in order, when it is', async () => {
  await using site = await openRelay([taken], 'lost');
  await site.send('1');
  await site.send('2');
  await site.send('3');
  await site.world.clock.advanceAsync(120_000);
  expect(site.posts).toEqual([]);
  site.become('up');
  await until(async () => (await stateOf(site.world, '3')) === 'acknowledged');
  expect(site.posts).toEqual(['meter-1/1', 'meter-1/2', 'meter-1/3']);
});

test('a session that comes up again ends the wait of the one before', async () => {
  await using site = await openRelay([() => Promise.reject(noAnswer()), taken]);
  await site.send('1');
  await until(() => site.posts.length === 1);
  await settle();
  site.become('lost');
  site.become('up');
  await until(async () => (await stateOf(site.world, '1')) === 'acknowledged');
});

test('no more are on their way than the parameter says', async () => {
  const open: ((response: IncomingResponse) => void)[] = [];
  await using site = await openRelay([() => new Promise<IncomingResponse>(resolve => open.push(resolve))], 'up', 2);
  for (const id of ['1', '2', '3']) await site.send(id);
  await settle();
  expect(site.posts).toHaveLength(2);
  open[0]!(taken());
  await until(() => site.posts.length === 3);
});

test('a message that nobody took in its time expires, and its device hears of it', async () => {
  await using site = await openRelay([taken], 'lost');
  await site.send('1', ',"delivStReqInd":true,"stoAndFwParams":{"exprTime":"2026-11-21T01:00:00Z"}');
  await site.world.clock.advanceAsync(3_600_000);
  await until(async () => (await stateOf(site.world, '1')) === 'expired');
  expect(JSON.parse((await messageOf(site.world, '1', 'IMDN'))!.body)).toMatchObject({
    delivSt: 'REPT_DELY_FAILED',
    failureCause: 'EXPIRED',
  });
  expect(site.posts).toEqual([]);
});

test('a stopped relay leaves no timer behind, and what was not answered is queued', async () => {
  await using site = await openRelay([() => Promise.reject(noAnswer())]);
  await site.send('1');
  await until(() => site.posts.length === 1);
  await settle();
  const before = site.world.clock.pending;
  site.relay.stop();
  expect(site.world.clock.pending).toBe(before - 2);
  expect(await stateOf(site.world, '1')).toBe('queued');
});
