import { createSocket } from 'node:dgram';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, test } from 'vitest';
import { fromUtf8, utf8 } from '../base/bytes.ts';
import type { GatewayError } from '../base/errors.ts';
import { settle } from '../base/test-clock.ts';
import type { Channel, Endpoint, Receiver } from './channel.ts';
import { UdpEndpoints } from './udp-endpoints.ts';
import { createUdpChannel, type UdpChannel, type UdpChannelOptions } from './udp.ts';

const opened: Channel[] = [];
afterEach(() => Promise.all(opened.splice(0).map(channel => channel.close())));

interface Heard {
  readonly text: string | undefined;
  readonly from: Endpoint;
}

/** Keeps what a channel hears, and resolves when it is there. */
class Listener implements Receiver {
  readonly heard: Heard[] = [];
  readonly lost: GatewayError[] = [];
  #wake = (): void => {};

  onDatagram(octets: Uint8Array, from: Endpoint): void {
    this.heard.push({ text: fromUtf8(octets), from });
    this.#wake();
  }

  onEndpointLost(_endpoint: Endpoint, reason: GatewayError): void {
    this.lost.push(reason);
    this.#wake();
  }

  async until(enough: () => boolean): Promise<void> {
    while (!enough()) await new Promise<void>(wake => (this.#wake = wake));
  }
}

async function open(options: UdpChannelOptions, listener = new Listener()): Promise<UdpChannel> {
  const channel = createUdpChannel(options);
  opened.push(channel);
  await channel.open(listener);
  return channel;
}

function portOf(channel: UdpChannel): number {
  return channel.local?.port ?? 0;
}

describe('a UDP channel', () => {
  test('takes any free port, tells which, and carries datagrams both ways', async () => {
    const [heardByA, heardByB] = [new Listener(), new Listener()];
    const a = await open({ host: '127.0.0.1' }, heardByA);
    const b = await open({ host: '127.0.0.1' }, heardByB);
    expect(a.local).toEqual({ host: '127.0.0.1', port: expect.any(Number) });
    a.send(utf8('ping'), a.endpointFor('127.0.0.1', portOf(b)));
    await heardByB.until(() => heardByB.heard.length === 1);
    b.send(utf8('pong'), heardByB.heard[0].from);
    await heardByA.until(() => heardByA.heard.length === 1);
    expect(heardByA.heard[0]).toEqual({ text: 'pong', from: a.endpointFor('127.0.0.1', portOf(b)) });
    expect(heardByB.heard[0].from.key).toBe(`udp:127.0.0.1:${portOf(a)}`);
    expect(a.counters).toMatchObject({ datagramsIn: 1, datagramsOut: 1, octetsIn: 4, octetsOut: 4, sendErrors: 0 });
  });

  test('gives the same endpoint for the same address, and another for another port', async () => {
    const heard = new Listener();
    const at = await open({ host: '127.0.0.1' }, heard);
    const [b, c] = [await open({ host: '127.0.0.1' }), await open({ host: '127.0.0.1' })];
    for (const sender of [b, c, b]) sender.send(utf8('x'), sender.endpointFor('127.0.0.1', portOf(at)));
    await heard.until(() => heard.heard.length === 3);
    const fromB = heard.heard.filter(({ from }) => from === at.endpointFor('127.0.0.1', portOf(b)));
    expect(fromB).toHaveLength(2);
    expect(at.endpointFor('127.0.0.1', portOf(b))).not.toBe(at.endpointFor('127.0.0.1', portOf(c)));
  });

  test('speaks IPv6, and IPv4 on the same socket, whatever the spelling of an address', async () => {
    const heard = new Listener();
    const at = await open({ host: '::' }, heard);
    const four = await open({ host: '127.0.0.1' });
    const six = await open({ host: '::1' });
    four.send(utf8('4'), four.endpointFor('127.0.0.1', portOf(at)));
    await heard.until(() => heard.heard.length === 1);
    six.send(utf8('6'), six.endpointFor('::1', portOf(at)));
    await heard.until(() => heard.heard.length === 2);
    expect(heard.heard[0].from).toBe(at.endpointFor('127.0.0.1', portOf(four)));
    expect(heard.heard[1].from).toBe(at.endpointFor('0:0:0:0:0:0:0:1', portOf(six)));
    expect(heard.heard[1].from.key).toBe(`udp:[::1]:${portOf(six)}`);
  });

  test('drops and counts what is larger than it takes', async () => {
    const channel = await open({ host: '127.0.0.1', maxDatagramBytes: 100 });
    channel.send(new Uint8Array(101), channel.endpointFor('127.0.0.1', portOf(channel)));
    expect(channel.counters).toMatchObject({ oversized: 1, datagramsOut: 0 });
  });

  test('drops and counts what is sent before it is open and after it is closed', async () => {
    const channel = createUdpChannel({ host: '127.0.0.1' });
    const to = channel.endpointFor('127.0.0.1', 5_683);
    channel.send(utf8('x'), to);
    await channel.open(new Listener());
    await channel.close();
    channel.send(utf8('x'), to);
    expect(channel.counters).toMatchObject({ sendErrors: 2, datagramsOut: 0 });
  });

  test('opens and closes as often as it is told, also while it opens', async () => {
    const channel = createUdpChannel({ host: '127.0.0.1' });
    const opening = channel.open(new Listener());
    expect(channel.open(new Listener())).toBe(opening);
    await Promise.all([channel.close(), channel.close()]);
    expect(channel.local).toBeUndefined();
    await channel.open(new Listener());
    expect(channel.local?.port).toBeGreaterThan(0);
    await channel.close();
  });
});

describe('a UDP channel that cannot open says why', () => {
  test('a port that is taken', async () => {
    const first = await open({ host: '127.0.0.1' });
    const second = open({ host: '127.0.0.1', port: portOf(first) });
    await expect(second).rejects.toMatchObject({
      code: 'channel.port-taken',
      hint: expect.stringContaining('ss -lunp'),
    });
  });

  test('an address that is not of this machine, and one that is none', async () => {
    await expect(open({ host: '192.0.2.1' })).rejects.toMatchObject({ code: 'channel.address' });
    await expect(open({ host: 'localhost' })).rejects.toMatchObject({ code: 'channel.address' });
  });

  test('and can be opened once the obstacle is gone', async () => {
    const first = await open({ host: '127.0.0.1' });
    const second = createUdpChannel({ host: '127.0.0.1', port: portOf(first) });
    opened.push(second);
    await expect(second.open(new Listener())).rejects.toMatchObject({ code: 'channel.port-taken' });
    await first.close();
    await expect(second.open(new Listener())).resolves.toBeUndefined();
  });
});

test.each([
  ['a name', 'localhost', 5_683],
  ['port 0', '127.0.0.1', 0],
  ['a port too high', '127.0.0.1', 65_536],
])('%s is no endpoint', (_name, host, port) => {
  const channel = createUdpChannel({ host: '127.0.0.1' });
  expect(() => channel.endpointFor(host, port)).toThrow(expect.objectContaining({ code: 'channel.address' }));
});

describe('a connected UDP channel', () => {
  test('has one peer, by name or by address, and hears nobody else', async () => {
    const heardByServer = new Listener();
    const server = await open({ host: '127.0.0.1' }, heardByServer);
    const heard = new Listener();
    const client = await open({ connect: { host: '127.0.0.1', port: portOf(server) } }, heard);
    const to = client.endpointFor('127.0.0.1', portOf(server));
    const stranger = await open({ host: '127.0.0.1' });
    stranger.send(utf8('forged'), stranger.endpointFor('127.0.0.1', portOf(client)));
    client.send(utf8('ping'), to);
    await heardByServer.until(() => heardByServer.heard.length === 1);
    server.send(utf8('pong'), heardByServer.heard[0].from);
    await heard.until(() => heard.heard.length === 1);
    expect(heard.heard).toEqual([{ text: 'pong', from: to }]);
    expect(() => client.endpointFor('127.0.0.1', 1)).toThrow(expect.objectContaining({ code: 'channel.address' }));
  });

  test('says that the peer refuses, and works once the peer is there', async () => {
    const port = await freePort();
    const heard = new Listener();
    const client = await open({ connect: { host: '127.0.0.1', port } }, heard);
    const to = client.endpointFor('127.0.0.1', port);
    client.send(utf8('x'), to);
    await heard.until(() => heard.lost.length > 0);
    expect(heard.lost[0]).toMatchObject({
      code: 'channel.refused',
      hint: expect.stringContaining('no program listens'),
    });
    const heardByServer = new Listener();
    await open({ host: '127.0.0.1', port }, heardByServer);
    client.send(utf8('y'), to);
    await heardByServer.until(() => heardByServer.heard.length === 1);
    expect(heardByServer.heard[0].text).toBe('y');
  });

  test('whose name nobody knows says so', async () => {
    const client = open({ connect: { host: 'no-such-host.invalid', port: 5_683 } });
    await expect(client).rejects.toMatchObject({ code: 'channel.dns' });
  });
});

describe('endpoints', () => {
  test('that are held stay the same object, however many others come', () => {
    const endpoints = new UdpEndpoints(100);
    const held = endpoints.at('10.0.0.1', 5_683);
    for (let i = 0; i < 10_000; i++) endpoints.at(`10.1.${i >> 8}.${i & 255}`, 5_683);
    expect(endpoints.at('10.0.0.1', 5_683)).toBe(held);
  });

  test('that nobody holds are collected, so that forged addresses do not fill the memory', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const endpoints = new UdpEndpoints(100);
    for (let i = 0; i < 20_000; i++) endpoints.at(`10.1.${i >> 8}.${i & 255}`, 5_683);
    // Collected in the next turn, and told about in one after that.
    for (let turn = 0; turn < 50 && endpoints.size > 100; turn++) {
      await settle();
      collect();
    }
    expect(endpoints.size).toBeLessThanOrEqual(100);
  });
});

function freePort(): Promise<number> {
  return new Promise(found => {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1', () => {
      const { port } = socket.address();
      socket.close(() => found(port));
    });
  });
}
