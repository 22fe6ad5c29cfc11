import { expect, test } from 'vitest';
import { fromUtf8 } from '../base/bytes.ts';
import { settle } from '../base/test-clock.ts';
import { contentFormat, uriPath } from '../coap/options.ts';
import type { CoapRequest, IncomingResponse } from '../coap/types.ts';
import type { Message } from '../store/types.ts';
import type { Place } from './registration.ts';
import { createDownRelay } from './relay-down.ts';
import {
  gatewayId,
  meterReg,
  noAnswer,
  openWorld,
  outgoingAnswer,
  until,
  valvePlace,
  valveReg,
  type World,
} from './test-world.ts';

const changed = 0x44;
const taken = () => outgoingAnswer(changed, '{"msgType":"MSGRESP","msgId":"m1"}');
type Device = (request: CoapRequest) => IncomingResponse | Promise<IncomingResponse>;

/** Devices that answer as the test says, by the address they registered from. */
async function openSite(devices: Record<string, Device | undefined>) {
  const world = await openWorld();
  const requests: { to: string; request: CoapRequest }[] = [];
  const routes = {
    request({ address }: Place, request: CoapRequest) {
      const device = devices[address];
      if (!device) return undefined;
      requests.push({ to: address, request });
      return Promise.resolve().then(() => device(request));
    },
  };
  const relay = createDownRelay({ ...world.relay, routes, onHeard: world.service.onHeard });
  relay.start();
  return {
    world,
    relay,
    requests,
    sent: () => requests.map(({ request }) => (JSON.parse(fromUtf8(request.payload)!) as { msgId: string }).msgId),
    async [Symbol.asyncDispose]() {
      relay.stop();
      await world[Symbol.asyncDispose]();
    },
  };
}

const msg = (msgId: string, appId = 'water', more: object = {}) =>
  JSON.stringify({
    msgType: 'MSG',
    oriAddr: { addrType: 'AS', addr: 'as-1' },
    destAddr: { addrType: 'UE', addr: gatewayId },
    appId,
    msgId,
    stoAndFwInd: false,
    payload: 'close',
    ...more,
  });
const messageOf = async (world: World, messageId: string, kind: Message['kind'] = 'MSG') =>
  (await world.messages()).find(row => row.messageId === messageId && row.kind === kind);
const stateOf = async (world: World, messageId: string) => (await messageOf(world, messageId))?.state;

test('a message is POSTed to its device as JSON, and delivered when the device took it', async () => {
  await using site = await openSite({ port: taken });
  await site.world.device(meterReg);
  await site.world.fromServer(msg('m1'));
  await until(async () => (await stateOf(site.world, 'm1')) === 'delivered');
  expect(site.requests).toMatchObject([
    { to: 'port', request: { code: 0x02, confirmable: true, options: [...uriPath('msgin5g'), contentFormat(50)] } },
  ]);
  expect(fromUtf8(site.requests[0]!.request.payload)).toBe(
    '{"msgType":"MSG","oriAddr":{"addrType":"AS","addr":"as-1"},"appId":"water","msgId":"m1","payload":"close"}',
  );
  expect(await site.world.audit()).toContainEqual(
    expect.objectContaining({ action: 'message.delivered', actor: 'device:meter-1', object: 'message:m1' }),
  );
});

test('whoever asked for a report gets it, with the original Message ID; nobody else does', async () => {
  await using site = await openSite({ port: taken });
  await site.world.device(meterReg);
  await site.world.fromServer(msg('m1', 'water', { delivStReqInd: true }));
  await site.world.fromServer(msg('m2'));
  await until(async () => (await stateOf(site.world, 'm2')) === 'delivered');
  expect(await messageOf(site.world, 'm2', 'IMDN')).toBeUndefined();
  const report = await messageOf(site.world, 'm1', 'IMDN');
  expect(report).toMatchObject({ direction: 'up', state: 'queued' });
  expect(JSON.parse(report!.body)).toEqual({
    msgType: 'IMDN',
    oriAddr: { addrType: 'UE', addr: gatewayId },
    destAddr: { addrType: 'AS', addr: 'as-1' },
    msgId: 'm1',
    delivSt: 'REPT_DELY_SUCCESS',
  });
});

test.each([
  ['4.04', () => outgoingAnswer(0x84), '4.04'],
  [
    'DELY_FAILED',
    () => outgoingAnswer(changed, '{"msgType":"MSGRESP","msgId":"m1","status":"DELY_FAILED","failureCause":"jammed"}'),
    'jammed',
  ],
])('a device that answers %s does not get it, and the report says so', async (_what, device, cause) => {
  await using site = await openSite({ port: device });
  await site.world.device(meterReg);
  await site.world.fromServer(msg('m1', 'water', { delivStReqInd: true }));
  await until(async () => (await stateOf(site.world, 'm1')) === 'failed');
  expect(JSON.parse((await messageOf(site.world, 'm1', 'IMDN'))!.body)).toMatchObject({
    delivSt: 'REPT_DELY_FAILED',
    failureCause: cause,
  });
});

test('a silent device keeps its messages, is asked ever more rarely, and gets them when it is heard', async () => {
  let isAwake = false;
  await using site = await openSite({ port: () => (isAwake ? taken() : Promise.reject(noAnswer())) });
  await site.world.device(meterReg);
  await site.world.fromServer(msg('m1'));
  await until(() => site.requests.length === 1);
  for (let minute = 0; minute < 60; minute++) await site.world.clock.advanceAsync(60_000);
  expect(site.requests.length).toBeGreaterThan(8);
  expect(site.requests.length).toBeLessThan(30);
  expect(await stateOf(site.world, 'm1')).toBe('queued');
  isAwake = true;
  await site.world.device('{"msgType":"MSG","payload":"awake"}');
  await until(async () => (await stateOf(site.world, 'm1')) === 'delivered');
});

test('a silent device does not hold up another', async () => {
  await using site = await openSite({ port: () => new Promise(() => {}), [valvePlace.address]: taken });
  await site.world.device(meterReg);
  await site.world.device(valveReg, valvePlace);
  await site.world.fromServer(msg('m1'));
  await site.world.fromServer(msg('m2', 'heat'));
  await until(async () => (await stateOf(site.world, 'm2')) === 'delivered');
  expect(await stateOf(site.world, 'm1')).toBe('queued');
});

test('a device gets one message at a time, oldest first', async () => {
  const open: ((response: IncomingResponse) => void)[] = [];
  await using site = await openSite({ port: () => new Promise(resolve => open.push(resolve)) });
  await site.world.device(meterReg);
  for (const id of ['m1', 'm2', 'm3']) await site.world.fromServer(msg(id));
  for (let i = 0; i < 3; i++) {
    await until(() => open.length === i + 1);
    await settle();
    expect(site.sent()).toHaveLength(i + 1);
    open[i]!(taken());
  }
  await until(async () => (await stateOf(site.world, 'm3')) === 'delivered');
  expect(site.sent()).toEqual(['m1', 'm2', 'm3']);
});

test('a device whose link is not there keeps its messages until it registers from elsewhere', async () => {
  await using site = await openSite({ [valvePlace.address]: taken });
  await site.world.device(meterReg);
  await site.world.fromServer(msg('m1'));
  await settle();
  expect(await stateOf(site.world, 'm1')).toBe('queued');
  await site.world.device(meterReg, valvePlace);
  await until(async () => (await stateOf(site.world, 'm1')) === 'delivered');
});

test('a de-registered device keeps its messages until it registers again', async () => {
  let isAwake = false;
  await using site = await openSite({ port: () => (isAwake ? taken() : Promise.reject(noAnswer())) });
  await site.world.device(meterReg);
  await site.world.fromServer(msg('m1'));
  await until(() => site.requests.length === 1);
  await site.world.device('{"msgType":"DEREG","layer2Id":"meter-1","appId":"water"}');
  await site.world.clock.advanceAsync(600_000);
  expect(site.requests).toHaveLength(1);
  isAwake = true;
  await site.world.device(meterReg);
  await until(async () => (await stateOf(site.world, 'm1')) === 'delivered');
});

test('a report for a device goes to it, and no report tells of a report', async () => {
  await using site = await openSite({ port: () => outgoingAnswer(changed) });
  await site.world.device(meterReg);
  await site.world.device('{"msgType":"MSG","msgId":"7","payload":"x","delivStReqInd":true}');
  const report = {
    msgType: 'IMDN',
    oriAddr: { addrType: 'AS', addr: 'as-1' },
    destAddr: { addrType: 'UE', addr: gatewayId },
    msgId: 'meter-1/7',
    delivSt: 'REPT_DELY_SUCCESS',
  };
  await site.world.fromServer(JSON.stringify(report));
  await until(async () => (await messageOf(site.world, '7', 'IMDN'))?.state === 'acknowledged');
  expect(site.sent()).toEqual(['7']);
  expect(await site.world.messages()).toHaveLength(2);
});

test('a message that its device did not fetch in its time expires, registered or not, and is reported', async () => {
  await using site = await openSite({});
  await site.world.device(meterReg);
  await site.world.fromServer(
    msg('m1', 'water', { delivStReqInd: true, stoAndFwParams: { exprTime: '2026-11-21T01:00:00Z' } }),
  );
  await site.world.device('{"msgType":"DEREG","layer2Id":"meter-1","appId":"water"}');
  await site.world.clock.advanceAsync(3_600_000);
  await until(async () => (await stateOf(site.world, 'm1')) === 'expired');
  expect(JSON.parse((await messageOf(site.world, 'm1', 'IMDN'))!.body)).toMatchObject({
    delivSt: 'REPT_DELY_FAILED',
    failureCause: 'EXPIRED',
  });
});

test('a stopped relay sends nothing more', async () => {
  await using site = await openSite({ port: taken });
  await site.world.device(meterReg);
  site.relay.stop();
  await site.world.fromServer(msg('m1'));
  await settle();
  await settle();
  expect(site.requests).toEqual([]);
});
