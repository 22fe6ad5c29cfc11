import { expect, test } from 'vitest';
import { silentLog } from '../gateway/base/log.ts';
import { TestClock, settle } from '../gateway/base/test-clock.ts';
import { CoapPeer, jsonObject, type CoapAnswer } from './coap-peer.ts';
import { Device, type DeviceLink } from './device.ts';

const identity = { name: 'meter-1', layer2Id: '0a0001', appId: 'meter', credential: 'secret' };
const accepted: CoapAnswer = { code: '2.01', body: { result: true } };
const unknown: CoapAnswer = {
  code: '4.04',
  body: { msgType: 'MSGRESP', status: 'DELY_FAILED', failureCause: 'NOT_REGISTERED' },
};

test('registers with its identity', async () => {
  const { device, requests } = make();
  await start(device);
  expect(requests).toEqual([{ msgType: 'REG', layer2Id: '0a0001', appId: 'meter', credential: 'secret' }]);
  expect(device.view()).toMatchObject({ registered: true, link: 'udp' });
});

test('refused, it asks again after 1, 2, 4 ... s and at most 30 s', async () => {
  const { device, requests, clock } = make(() => ({ code: '4.03', body: { result: false, cause: 'NOT_AUTHORIZED' } }));
  await start(device);
  const waits = [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000];
  for (const [i, waitMs] of waits.entries()) {
    await advance(clock, waitMs - 1);
    expect(requests).toHaveLength(i + 1);
    await advance(clock, 1);
    expect(requests).toHaveLength(i + 2);
  }
  expect(device.view()).toMatchObject({ registered: false });
});

// RFC 7252 §4.8.2: MAX_TRANSMIT_WAIT is 93 s.
test('unanswered, it begins again a second after it gave up', async () => {
  const { device, requests, clock } = make(() => new Promise<CoapAnswer>(() => {}));
  await start(device);
  for (const attempts of [2, 3]) {
    await advance(clock, 93_000 + 999);
    expect(requests).toHaveLength(attempts - 1);
    await advance(clock, 1);
    expect(requests).toHaveLength(attempts);
  }
});

test('2.04 with a result that is false is a refusal', async () => {
  const { device, requests, clock } = make(() => ({ code: '2.04', body: { result: false } }));
  await start(device);
  await advance(clock, 999);
  expect(requests).toHaveLength(1);
  expect(device.view()).toMatchObject({ registered: false });
});

test('waits as long as Max-Age says', async () => {
  const { device, requests, clock } = make(() => ({ code: '5.03', maxAgeSeconds: 20 }));
  await start(device);
  await advance(clock, 19_999);
  expect(requests).toHaveLength(1);
  await advance(clock, 1);
  expect(requests).toHaveLength(2);
});

test('measures at once and then at its interval, one message ID each', async () => {
  const { device, requests, clock } = make();
  await start(device, 5_000);
  await advance(clock, 10_000);
  const messages = requests.slice(1);
  expect(messages.map(({ payload }) => payload)).toEqual([1, 2, 3].map(n => `meter-1 reading ${n}`));
  const destAddr = { addrType: 'AS', addr: 'as-1@example.com' };
  expect(messages[0]).toMatchObject({ msgType: 'MSG', appId: 'meter', destAddr, delivStReqInd: true });
  expect(new Set(messages.map(({ msgId }) => msgId)).size).toBe(3);
  expect(device.view()).toMatchObject({
    waiting: 0,
    sent: [{ acknowledged: true }, { acknowledged: true }, { acknowledged: true }],
  });
});

test('sends a reading again under its message ID until it is taken', async () => {
  let refusals = 2;
  const { device, requests, clock } = make(body =>
    body.msgType === 'MSG' && refusals-- > 0 ? { code: '5.03' } : accepted,
  );
  await start(device, 3_600_000);
  for (const waitMs of [1_000, 2_000]) await advance(clock, waitMs);
  const messages = requests.slice(1);
  expect(messages).toHaveLength(3);
  expect(new Set(messages.map(({ msgId }) => msgId)).size).toBe(1);
  expect(device.view()).toMatchObject({ sent: [{ payload: 'meter-1 reading 1', acknowledged: true }] });
});

test('gives a reading up that is refused for good', async () => {
  const { device, clock } = make(body => (body.msgType === 'MSG' ? { code: '4.13' } : accepted));
  await start(device, 3_600_000);
  await advance(clock, 60_000);
  expect(device.view()).toMatchObject({ sent: [{ acknowledged: false }], waiting: 0, failed: 1 });
});

test('told that it is not registered, it registers and sends the message again', async () => {
  let forgotten = true;
  const { device, requests } = make(body => {
    if (body.msgType === 'REG') forgotten = requests.length === 1;
    return body.msgType === 'MSG' && forgotten ? unknown : accepted;
  });
  await start(device);
  const answer = await device.send({ msgId: 'm1', payload: 'x' });
  expect(answer.code).toBe('2.01');
  expect(requests.map(({ msgType, msgId }) => msgId ?? msgType)).toEqual(['REG', 'm1', 'REG', 'm1']);
});

test('once de-registered it stays so, and is told when it sends', async () => {
  const { device, requests, clock } = make(body => (body.msgType === 'MSG' ? unknown : accepted));
  await start(device);
  await device.deregister();
  expect(requests.at(-1)).toEqual({ msgType: 'DEREG', layer2Id: '0a0001', appId: 'meter' });
  expect(await device.send({ msgId: 'm1', payload: 'x' })).toEqual(unknown);
  await advance(clock, 60_000);
  expect(requests).toHaveLength(3);
  expect(device.view()).toMatchObject({ registered: false, sent: [{ msgId: 'm1', acknowledged: false }] });
});

test('a 2.04 that tells of a failure is no acceptance', async () => {
  const { device } = make(body =>
    body.msgType === 'MSG' ? { code: '2.04', body: { status: 'DELY_FAILED' } } : accepted,
  );
  await start(device);
  await device.send({ msgId: 'm1', payload: 'x' });
  expect(device.view()).toMatchObject({ sent: [{ msgId: 'm1', acknowledged: false }] });
});

test('keeps each message and report that it gets once', async () => {
  const { device, gateway } = make();
  await start(device);
  const oriAddr = { addrType: 'AS', addr: 'as-1@example.com' };
  const message = { msgType: 'MSG', oriAddr, appId: 'meter', msgId: 's1', payload: 'open' };
  const report = { msgType: 'IMDN', msgId: 'm1', delivSt: 'REPT_DELY_SUCCESS', oriAddr };
  for (const body of [message, message, report])
    expect(await gateway.post('/msgin5g', body)).toMatchObject({ code: '2.04' });
  expect(await gateway.post('/msgin5g', { msgType: 'REG', msgId: 'x' })).toMatchObject({ code: '4.00' });
  expect(await gateway.post('/other', message)).toEqual({ code: '4.04' });
  expect(device.view()).toMatchObject({
    received: [{ msgId: 's1', payload: 'open', oriAddr }],
    reports: [{ msgId: 'm1', delivSt: 'REPT_DELY_SUCCESS' }],
    duplicates: 1,
  });
});

test('without a gateway it says so', async () => {
  const { device } = make();
  await expect(device.register()).rejects.toMatchObject({ code: 'lab.not-started' });
  await expect(device.send({ msgId: 'm1', payload: 'x' })).rejects.toMatchObject({ code: 'lab.not-started' });
  expect(device.view()).toMatchObject({ sent: [] });
});

test('started again without a gateway it stays at its own and takes the new interval', async () => {
  const { device, requests, clock } = make();
  await start(device, 5_000);
  await device.start(undefined, 0);
  await advance(clock, 60_000);
  expect(requests).toHaveLength(2);
});

test('stopped, it leaves no timer of its own', async () => {
  const { device, clock } = make(() => ({ code: '4.03' }));
  await start(device, 5_000);
  device.stop();
  device.stop();
  await advance(clock, 0);
  expect(clock.pending).toBe(0);
});

type Body = Record<string, unknown>;

/** A device and a gateway back to back in memory. `random` gives the middle of the spread. */
function make(answer: (body: Body) => CoapAnswer | Promise<CoapAnswer> = () => accepted) {
  const clock = new TestClock();
  const requests: Body[] = [];
  const gateway: CoapPeer = new CoapPeer({
    clock,
    send: datagram => setImmediate(() => deliver(datagram)),
    serve: async ({ payload }) => {
      const body = jsonObject(payload)!;
      requests.push(body);
      return answer(body);
    },
  });
  let deliver: (message: Uint8Array) => void = () => {};
  const link: DeviceLink = {
    kind: 'udp',
    open: async (_gateway, receive) => void (deliver = receive),
    send: message => setImmediate(() => gateway.receive(message)),
    sendRaw: () => {},
    close: () => {},
  };
  const device = new Device(identity, link, { clock, random: () => 0.5, log: silentLog });
  return { device, gateway, clock, requests };
}

async function start(device: Device, intervalMs = 0): Promise<void> {
  await device.start({ host: '127.0.0.1', port: 5683 }, intervalMs);
  await quiet();
}

async function advance(clock: TestClock, ms: number): Promise<void> {
  await clock.advanceAsync(ms);
  await quiet();
}

/** Lets what travels arrive: each leg takes a turn of the loop. */
async function quiet(): Promise<void> {
  for (let turn = 0; turn < 12; turn++) await settle();
}
