import { beforeEach, describe, expect, test } from 'vitest';
import {
  contract,
  overview as overviewSchema,
  type ApiContract,
  type ApiViews,
  type Overview,
} from '../../api/contract.ts';
import { connect, type Client } from '../../api/rpc.ts';
import { GatewayError } from '../base/errors.ts';
import { silentLog } from '../base/log.ts';
import { TestClock, settle } from '../base/test-clock.ts';
import { pushIntervalMs } from './live.ts';
import { createService } from './service.ts';
import { TestSource } from './test-source.ts';

let clock: TestClock;
let source: TestSource;
let client: Client<ApiContract, ApiViews>;
/** What went over the pipe to the client. */
let sent: string[];
let detach: () => void;

beforeEach(() => {
  clock = new TestClock();
  source = new TestSource(clock, { site: 'Test site' });
  source.setLink('udp', { kind: 'udp', where: '127.0.0.1:5683' });
  source.setLink('meters', { kind: 'serial', where: '/dev/ttyUSB0', state: 'opening' });
  source.setDevice({
    layer2Id: '3a91c4',
    appId: 'metering',
    name: 'meter-0412',
    registered: true,
    linkId: 'udp',
    address: '127.0.0.1:40001',
    registeredAtMs: 5,
  });
  source.setDevice({
    layer2Id: '3a91c5',
    appId: 'valve',
    name: 'valve-31',
    registered: true,
    linkId: 'meters',
    address: 'port',
    registeredAtMs: 5,
  });
  source.setDevice({ layer2Id: '3a91c6', appId: 'pump', name: 'pump-2' });
  sent = [];
  const toClient: ((text: string) => void)[] = [];
  const toServer: ((text: string) => void)[] = [];
  detach = createService(source, silentLog).attach({
    post: text => (sent.push(text), toClient.forEach(listener => listener(text))),
    on: listener => void toServer.push(listener),
  });
  client = connect<ApiContract, ApiViews>({
    post: text => toServer.forEach(listener => listener(text)),
    on: listener => void toClient.push(listener),
  });
});

describe('calls', () => {
  test('every answer keeps to its schema', async () => {
    source.setSession({
      state: 'up',
      server: 'msgin5g.example.com',
      suite: 0xc0a8,
      aKid: 'rid@example.com',
      roundTripMs: 41.27,
    });
    source.addMessage({ appId: 'metering', body: '{"payload":"{\\"kWh\\":1}"}' });
    source.addEvent({ action: 'device.registered', object: 'device:3a91c4/metering' });
    const calls: [keyof ApiContract, object?][] = [
      ['system.facts'],
      ['system.now'],
      ['session.status'],
      ['devices.list', {}],
      ['links.list'],
      ['messages.recent', {}],
      ['audit.recent', {}],
      ['overview.read'],
    ];
    expect(calls.map(([name]) => name).sort()).toEqual(Object.keys(contract).sort());
    for (const [name, input] of calls) {
      const answer = await client.call(name, input as never);
      expect(contract[name].output.parse(answer)).toEqual(answer);
    }
  });

  test('tell a device by its state: registered, its link lost, or absent', async () => {
    const { devices, total } = await client.call('devices.list', {});
    expect(devices.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'meter-0412 registered',
      'valve-31 link-lost',
      'pump-2 absent',
    ]);
    expect(total).toBe(3);
  });

  test('give devices in pages', async () => {
    const first = await client.call('devices.list', { limit: 2 });
    const second = await client.call('devices.list', { limit: 2, after: first.devices[1].key });
    expect(second.devices.map(({ key }) => key)).toEqual(['3a91c6/pump']);
  });

  test('name the suite as people compare it, and round what nobody can see', async () => {
    source.setSession({ state: 'up', suite: 0xc0a8, roundTripMs: 41.2749 });
    expect(await client.call('session.status')).toMatchObject({ suite: 'C0A8 PSK_AES_128_CCM_8', roundTripMs: 41.3 });
    source.setSession({ suite: 0x1301 });
    expect((await client.call('session.status')).suite).toBe('1301');
  });

  test('say that the session is off where no server is configured', async () => {
    expect(await client.call('session.status')).toMatchObject({ state: 'off' });
  });

  test('show the beginning of a payload, its octets and the device by name', async () => {
    source.addMessage({ appId: 'metering', body: JSON.stringify({ payload: 'ä'.repeat(200) }) });
    source.addMessage({ appId: 'metering', kind: 'IMDN', body: '{"delivSt":"REPT_DELY_SUCCESS"}' });
    source.addMessage({ appId: 'unknown', body: 'not json' });
    const { messages } = await client.call('messages.recent', { limit: 3 });
    expect(messages.map(({ preview, payloadBytes, deviceName }) => [preview, payloadBytes, deviceName])).toEqual([
      ['not json', 8, undefined],
      ['REPT_DELY_SUCCESS', 17, 'meter-0412'],
      [`${'ä'.repeat(79)}…`, 400, 'meter-0412'],
    ]);
  });

  test('give the trail in pages by row, newest first', async () => {
    for (let i = 0; i < 5; i++) source.addEvent({ action: 'session.up' });
    const { events } = await client.call('audit.recent', { limit: 2, before: 4 });
    expect(events.map(({ seq }) => seq)).toEqual([3, 2]);
  });

  test('tell a failed read with its code and hint', async () => {
    source.readFailure = new GatewayError('store.io', 'cannot read the database', { hint: 'check the disk' });
    await expect(client.call('audit.recent', {})).rejects.toMatchObject({ code: 'store.io', hint: 'check the disk' });
  });
});

describe('the overview, watched', () => {
  let seen: Overview[];
  let unwatch: () => void;
  beforeEach(async () => {
    seen = [];
    unwatch = client.watch('overview', value => seen.push(structuredClone(value)));
    await settle();
  });
  const nextTurn = (): Promise<void> => clock.advanceAsync(pushIntervalMs);
  const lastPush = (): unknown => JSON.parse(sent.at(-1)!);

  test('starts with everything, and keeps to its schema', () => {
    expect(seen).toHaveLength(1);
    expect(overviewSchema.parse(seen[0])).toEqual(seen[0]);
    expect(seen[0].facts.site).toBe('Test site');
  });

  test('is silent while nothing changes', async () => {
    await clock.advanceAsync(2_000);
    sent.length = 0;
    await clock.advanceAsync(60_000);
    expect(sent).toEqual([]);
  });

  test('turns counts into rates, for the gateway and for each link', async () => {
    for (let second = 1; second <= 10; second++) {
      source.setRelay({ up: 18 * second, down: 2 * second, links: { udp: { up: 8 * second, down: second } } });
      await clock.advanceAsync(1_000);
    }
    expect(seen.at(-1)).toMatchObject({
      figures: { upPerSecond: 18, downPerSecond: 2, messages: 200 },
      links: { udp: { upPerSecond: 8, downPerSecond: 1 }, meters: { upPerSecond: 0 } },
    });
  });

  test('tells only what changed, and what changed together in one push', async () => {
    source.setDevice({ layer2Id: '3a91c4', appId: 'metering', registered: false });
    source.queueUp = 14;
    await nextTurn();
    expect(lastPush()).toMatchObject({
      whole: false,
      value: {
        devices: { '3a91c4/metering': { state: 'deregistered' } },
        figures: { queueUp: 14, registered: 1 },
        links: { udp: { devices: 0 } },
      },
    });
    expect(Object.keys((lastPush() as { value: object }).value).sort()).toEqual(['devices', 'figures', 'links']);
    expect(seen.at(-1)).toMatchObject({ figures: { queueUp: 14, devices: 3 }, facts: { site: 'Test site' } });
  });

  test('shows no rate for a link, rather than 0, while nobody counts by link', async () => {
    source.setRelay({ links: undefined });
    await clock.advanceAsync(2_000);
    expect(seen.at(-1)!.links.udp).not.toHaveProperty('upPerSecond');
    expect(seen.at(-1)!.figures.upPerSecond).toBe(0);
  });

  test('follows a link: what is registered there is out of reach while it is not open', async () => {
    source.setLink('meters', { state: 'open' });
    await nextTurn();
    expect(seen.at(-1)!.devices['3a91c5/valve'].state).toBe('registered');
    source.setLink('meters', {
      state: 'opening',
      reason: { code: 'link.serial-gone', message: '/dev/ttyUSB0 is not there' },
    });
    await nextTurn();
    expect(seen.at(-1)!.devices['3a91c5/valve'].state).toBe('link-lost');
    expect(seen.at(-1)!.links.meters.reason?.code).toBe('link.serial-gone');
  });

  test('takes messages and events in, newest first', async () => {
    const rowId = source.addMessage({ appId: 'metering' });
    source.addEvent({ action: 'device.refused', object: 'device:3a91c6/pump', result: 'refused' });
    await nextTurn();
    expect(seen.at(-1)!.messages[0]).toMatchObject({ state: 'queued', deviceName: 'meter-0412' });
    expect(seen.at(-1)!.events[0]).toMatchObject({ action: 'device.refused', deviceName: 'pump-2' });
    source.setMessage(rowId, { state: 'delivered' });
    await nextTurn();
    expect(seen.at(-1)!.messages[0].state).toBe('delivered');
  });

  test('keeps an event on the page however many messages pass, and shows the messages that failed', async () => {
    source.addEvent({ action: 'session.up' });
    for (let i = 0; i < 500; i++) source.addEvent({ action: 'message.received', object: `message:m-${i}` });
    await nextTurn();
    for (let i = 0; i < 500; i++) source.addEvent({ action: 'message.acknowledged', object: `message:m-${i}` });
    source.addEvent({ action: 'message.failed', object: 'message:m-7', reason: 'out of attempts' });
    await nextTurn();
    expect(seen.at(-1)!.events.map(({ action }) => action)).toEqual(['message.failed', 'session.up']);
  });

  test('lives on when the disk cannot be read, with the rows from before', async () => {
    source.addMessage({ appId: 'metering' });
    await nextTurn();
    source.readFailure = new GatewayError('store.io', 'cannot read the database');
    source.addMessage({ appId: 'valve' });
    source.setStore({ state: 'failed', reason: { code: 'store.disk-full', message: 'the disk is full' } });
    await nextTurn();
    expect(seen.at(-1)).toMatchObject({ store: { state: 'failed' }, messages: [{ appId: 'metering' }] });
    source.readFailure = undefined;
    await nextTurn();
    expect(seen.at(-1)!.messages).toHaveLength(2);
  });

  test('costs nothing once nobody watches', async () => {
    unwatch();
    await settle();
    expect(clock.pending).toBe(0);
    client.watch('overview', () => {});
    await settle();
    detach();
    await settle();
    expect(clock.pending).toBe(0);
  });
});

test('nothing that went out holds a credential hash', async () => {
  client.watch('overview', () => {});
  await client.call('devices.list', {});
  await client.call('overview.read');
  await clock.advanceAsync(1_000);
  const text = sent.join();
  expect(text).toContain('meter-0412');
  expect(text).not.toMatch(/credential|197,197|c5c5|xcXF/);
});
