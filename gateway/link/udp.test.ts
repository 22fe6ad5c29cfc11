import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hex, toHex } from '../base/bytes.ts';
import { silentLog } from '../base/log.ts';
import { TestClock } from '../base/test-clock.ts';
import type { Endpoint } from '../channel/channel.ts';
import { createLink } from './index.ts';
import type { Link, LinkState } from './link.ts';

const world = { clock: new TestClock(), log: silentLog };
let link: Link;
let device: Socket;
let states: LinkState[];

beforeEach(() => {
  link = createLink('udp', { id: 'udp', host: '127.0.0.1', port: 0 }, world);
  states = [];
  link.onStatus(({ state }) => states.push(state));
  device = createSocket('udp4');
});
afterEach(async () => {
  await link.channel.close();
  await new Promise<void>(resolve => device.close(() => resolve()));
});

const listeningPort = () => Number(link.status().where.split(':')[1]);

test('a device is known by its address and can be reached at it', async () => {
  const heard = new Promise<{ octets: Uint8Array; from: Endpoint }>(resolve => {
    void link.channel.open({ onDatagram: (octets, from) => resolve({ octets, from }) }).then(() => {
      device.send(hex('40001234'), listeningPort(), '127.0.0.1');
    });
  });
  const { octets, from } = await heard;
  expect(toHex(octets)).toBe('40001234');
  const address = link.addressOf(from);
  expect(address).toBe(`127.0.0.1:${device.address().port}`);
  expect(link.endpointAt(address)).toBe(from);

  const answer = once(device, 'message');
  link.channel.send(hex('70001234'), link.endpointAt(address)!);
  expect(toHex((await answer)[0])).toBe('70001234');
  expect(link.status().counters).toMatchObject({ datagramsIn: 1, datagramsOut: 1 });
});

test('the status follows opening and closing', async () => {
  await link.channel.open({ onDatagram: () => {} });
  await link.channel.close();
  expect(states).toEqual(['opening', 'open', 'closed']);
});

test('a port that is taken is told and leaves the link closed with the reason', async () => {
  device.bind(0, '127.0.0.1');
  await once(device, 'listening');
  const { port } = device.address();
  const second = createLink('udp', { id: 'udp', host: '127.0.0.1', port }, world);
  await expect(second.channel.open({ onDatagram: () => {} })).rejects.toMatchObject({ code: 'channel.port-taken' });
  expect(second.status()).toMatchObject({
    state: 'closed',
    reason: { code: 'channel.port-taken' },
    where: `127.0.0.1:${port}`,
  });
});

test.each(['port', '', '127.0.0.1', '127.0.0.1:0', '127.0.0.1:99999', 'name.example:5683', ':5683'])(
  'a stored address %j that is none is no endpoint',
  address => expect(link.endpointAt(address)).toBeUndefined(),
);

test('an IPv6 address is taken in brackets', () => {
  const onBoth = createLink('udp', { id: 'udp', host: '::', port: 5683 }, world);
  expect(onBoth.status().where).toBe('[::]:5683');
  const endpoint = onBoth.endpointAt('[::1]:40001')!;
  expect(onBoth.addressOf(endpoint)).toBe('[::1]:40001');
});
