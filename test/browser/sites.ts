import { systemClock } from '../../gateway/base/clock.ts';
import { TestSource } from '../../gateway/service/test-source.ts';
import type { AuditAction } from '../../gateway/store/types.ts';

const minuteMs = 60_000;
const dayMs = 86_400_000;

/** Gateways to look at: nothing yet, the lab with two devices, a site with 240. */
export const sites = { empty, small, large };

/** Just started, nothing configured. */
function empty(): TestSource {
  return new TestSource(systemClock, { site: 'Fieldgate' });
}

/** The lab as `npm start` shows it. */
function small(): TestSource {
  const now = systemClock.wallMs();
  const source = new TestSource(systemClock, {
    site: 'Lab bench',
    isLab: true,
    ueServiceId: 'gw-lab@msgin5g.example.com',
    startedAtMs: now - 2 * minuteMs,
  });
  source.setSession(sessionUp(now - 2 * minuteMs));
  source.setLink('udp', { kind: 'udp', where: '127.0.0.1:5683', sinceMs: now - 2 * minuteMs });
  source.setLink('lab', { kind: 'serial', where: '/dev/pts/4', sinceMs: now - 2 * minuteMs });
  source.setDevice({
    layer2Id: '000001',
    appId: 'metering',
    name: 'lab-meter',
    registered: true,
    linkId: 'udp',
    address: '127.0.0.1:40112',
    registeredAtMs: now - 100_000,
  });
  source.setDevice({
    layer2Id: '000002',
    appId: 'valve',
    name: 'lab-valve',
    registered: true,
    linkId: 'lab',
    address: 'port',
    registeredAtMs: now - 95_000,
  });
  source.setRelay({
    up: 14,
    down: 12,
    sent: 26,
    latency: { p50Ms: 6.2, p95Ms: 11, p99Ms: 14 },
    links: { udp: { up: 7, down: 6 }, lab: { up: 7, down: 6 } },
  });
  source.setStore({ commitMsP50: 1.4 });
  source.addEvent({ action: 'gateway.started', atMs: now - 120_000 });
  source.addEvent({ action: 'link.opened', object: 'link:udp', atMs: now - 119_000 });
  source.addEvent({ action: 'session.up', atMs: now - 118_000 });
  source.addEvent({ action: 'device.registered', object: 'device:000001/metering', atMs: now - 100_000 });
  source.addEvent({ action: 'device.registered', object: 'device:000002/valve', atMs: now - 95_000 });
  source.addMessage({
    appId: 'metering',
    state: 'delivered',
    messageId: '4bf92f3577b34da6a3ce929d0e2dc71a',
    body: '{"payload":"{\\"kWh\\":18.42}"}',
    receivedAtMs: now - 9_000,
  });
  source.addMessage({
    appId: 'valve',
    direction: 'down',
    state: 'acknowledged',
    messageId: 'a3ce929d0e2dc71a4bf92f3577b34da6',
    body: '{"payload":"open 40 %"}',
    receivedAtMs: now - 4_000,
  });
  return source;
}

/** A site of 240 devices on three links, one of them unplugged, with messages in every state. */
function large(): TestSource {
  const now = systemClock.wallMs();
  const source = new TestSource(systemClock, {
    site: 'Nordhafen 3',
    ueServiceId: 'gw-nordhafen-3@msgin5g.example.com',
    startedAtMs: now - 3 * dayMs,
  });
  source.setSession(sessionUp(now - 22 * minuteMs));
  source.setLink('pumps', {
    kind: 'serial',
    where: '/dev/serial/by-id/usb-FTDI_FT4232H-if00',
    sinceMs: now - 3 * dayMs,
  });
  source.setLink('tanks', {
    kind: 'serial',
    where: '/dev/serial/by-id/usb-FTDI_FT4232H-if02',
    state: 'opening',
    sinceMs: now - 12 * minuteMs,
    reason: {
      code: 'link.serial-missing',
      message: 'there is no port /dev/serial/by-id/usb-FTDI_FT4232H-if02',
      hint: 'plug the adapter in, or change the path in the configuration',
    },
  });
  source.setLink('udp', { kind: 'udp', where: '[::]:5683', sinceMs: now - 3 * dayMs });
  addDevices(source, 'pump', 'pumps', 72, now);
  addDevices(source, 'tank', 'tanks', 9, now);
  addDevices(source, 'meter', 'udp', 156, now);
  for (let i = 1; i <= 3; i++)
    source.setDevice({ layer2Id: `9f000${i}`, appId: `valve-${i}`, name: `valve-${30 + i}` });
  source.queueUp = 14;
  source.queueDown = 3;
  source.oldestUpAtMs = now - 2_100;
  source.setRelay({
    up: 1_080_402,
    down: 124_369,
    sent: 98_110,
    retransmissions: 412,
    latency: { p50Ms: 84, p95Ms: 212, p99Ms: 640 },
    links: {
      pumps: { up: 300_000, down: 20_000 },
      tanks: { up: 80_000, down: 4_369 },
      udp: { up: 700_402, down: 100_000 },
    },
  });
  source.setStore({ commitMsP50: 3.8, auditSeq: 48_200 });
  addEvents(source, now);
  addMessages(source, now);
  return source;
}

function sessionUp(sinceMs: number): Parameters<TestSource['setSession']>[0] {
  return {
    state: 'up',
    sinceMs,
    provedAtMs: systemClock.wallMs() - 4_000,
    server: '198.51.100.7:5684',
    aKid: 'rid0001.LLF042GWKhalxJDZ7f3hPdXyYg4haZGDNH2aTBTKopw@5gc.mnc001.mcc001.3gppnetwork.org',
    keyExpiresAtMs: systemClock.wallMs() + 13.8 * dayMs,
    suite: 0xc0a8,
    roundTripMs: 41,
    attempts: 0,
  };
}

function addDevices(source: TestSource, kind: string, linkId: string, count: number, now: number): void {
  for (let i = 1; i <= count; i++) {
    const id = String(i).padStart(4, '0');
    source.setDevice({
      layer2Id: `${kind}-${id}`,
      appId: `${kind}.${id}`,
      name: `${kind}-${id}`,
      registered: true,
      linkId,
      address: linkId === 'udp' ? `[fd00::${i.toString(16)}]:5683` : 'port',
      registeredAtMs: now - i * 61_000,
    });
  }
}

function addEvents(source: TestSource, now: number): void {
  const events: [number, AuditAction, string, object?][] = [
    [52, 'gateway.started', 'gateway'],
    [40, 'session.lost', 'session', { result: 'failed', reason: 'no answer within 93 s' }],
    [22, 'session.up', 'session'],
    [20, 'device.registered', 'device:pump-0002/pump.0002'],
    [15, 'device.refused', 'device:3a91c4/unlisted', { result: 'refused', reason: 'NOT_AUTHORIZED', count: 12 }],
    [12, 'link.lost', 'link:tanks', { result: 'failed', reason: 'unplugged' }],
    [9, 'message.expired', 'message:4bf92f35', { result: 'failed' }],
    [4, 'device.deregistered', 'device:meter-0152/meter.0152'],
    [3, 'device.registered', 'device:meter-0152/meter.0152'],
  ];
  for (const [minutes, action, object, more] of events)
    source.addEvent({ action, object, atMs: now - minutes * minuteMs, ...more });
}

function addMessages(source: TestSource, now: number): void {
  const messages: [string, 'up' | 'down', Parameters<TestSource['addMessage']>[0]['state'], string][] = [
    ['meter.0041', 'up', 'expired', '{"kWh":2201.8}'],
    ['pump.0007', 'down', 'failed', 'speed 1450 rpm'],
    ['meter.0102', 'up', 'delivered', '{"kWh":18.42,"V":231.1}'],
    ['tank.0003', 'up', 'acknowledged', '{"level":0.82,"unit":"m"}'],
    ['pump.0012', 'down', 'delivered', 'speed 1200 rpm'],
    ['meter.0007', 'up', 'sent', '{"kWh":77.02,"V":229.8,"A":4.1}'],
    ['meter.0152', 'up', 'queued', '{"kWh":3.3}'],
  ];
  messages.forEach(([appId, direction, state, payload], index) =>
    source.addMessage({
      appId,
      direction,
      state,
      body: JSON.stringify({ payload }),
      messageId: `4bf92f3577b34da6a3ce929d0e2dc7${(0x10 + index).toString(16)}`,
      receivedAtMs: now - (messages.length - index) * 1_700,
      cause: state === 'failed' ? 'NOT_REGISTERED' : undefined,
    }),
  );
}
