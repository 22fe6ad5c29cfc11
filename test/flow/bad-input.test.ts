import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { hex } from '../../gateway/base/bytes.ts';
import { seededRandom } from '../../gateway/base/random.ts';
import { freeUdpPort } from '../udp-ports.ts';
import { startLab, type Lab } from './lab.ts';
import { json, startNonsenseServer, type NonsenseServer } from './nonsense-server.ts';
import { startGateway, temporaryFolder, until, type Program } from './program.ts';
import { asJson, onPath, openUdpPeer, type UdpPeer } from './udp-peer.ts';

const probe = { name: 'probe', layer2Id: '0a00ff', appId: 'probe', credential: 'a credential of the test' };
const destination = { addrType: 'AS', addr: 'as-1@example.com' } as const;
const reg = JSON.stringify({ msgType: 'REG', ...probe, name: undefined });

/** One call of the API, as the dashboard makes it. */
async function dial(url: string): Promise<(name: string) => Promise<string>> {
  const { headers } = await fetch(url, { redirect: 'manual' });
  const origin = new URL(url).origin;
  return name =>
    new Promise((resolve, reject) => {
      const cookie = headers.get('set-cookie')!.split(';')[0];
      const socket = new WebSocket(`${origin.replace('http', 'ws')}/ws`, { headers: { cookie, origin } });
      socket.on('open', () => socket.send(JSON.stringify({ type: 'call', id: 1, name, input: {} })));
      socket.on('message', text => (resolve(String(text)), socket.close()));
      socket.on('error', reject);
    });
}

const healthOf = async (url: string): Promise<string> => (await fetch(new URL('/health', url))).text();

describe('with two good devices at work', () => {
  const folder = temporaryFolder();
  let lab: Lab;
  let gateway: Program & { url: string };
  let port: number;
  let peer: UdpPeer;
  let call: (name: string) => Promise<string>;

  beforeAll(async () => {
    lab = await startLab(folder.path);
    port = await freeUdpPort();
    const missing = { id: 'missing', path: join(folder.path, 'no-such-port') };
    const more = {
      deviceListen: `127.0.0.1:${port}`,
      serial: [...lab.site.serial, missing],
      devices: [...lab.site.devices, probe],
      defaultDestination: destination,
    };
    gateway = await startGateway(folder.path, lab.config(more));
    call = await dial(gateway.url);
    await lab.call('/devices/start', { gateway: `127.0.0.1:${port}`, intervalMs: 100 });
    peer = await openUdpPeer(port);
    await goodDevicesGoOn();
  });

  afterAll(async () => {
    peer?.close();
    await gateway?.stop();
    await lab?.stop();
    folder.remove();
  });

  /** Both devices get acknowledgements for messages that they send from now on. */
  async function goodDevicesGoOn(): Promise<void> {
    const before = await lab.devices();
    const count = ({ sent }: { sent: { acknowledged: boolean }[] }): number =>
      sent.filter(message => message.acknowledged).length;
    await until('acknowledgements for both devices', async () => {
      const now = await lab.devices();
      return now.every((device, i) => count(device) > count(before[i]) + 3);
    });
  }

  let lastId = 0x2000;
  test.each([
    ['text that is not JSON', '4.00 ACK', (id: number) => peer.post(id, '{bad')],
    ['a list', '4.00 ACK', (id: number) => peer.post(id, '[]')],
    ['a missing element', '4.00 ACK', (id: number) => peer.post(id, '{"msgType":"REG"}')],
    ['a mistyped element', '4.00 ACK', (id: number) => peer.post(id, '{"msgType":"MSG","payload":7}')],
    ['an unknown message type', '4.00 ACK', (id: number) => peer.post(id, '{"msgType":"__proto__"}')],
    ['what nests too deep', '4.00 ACK', (id: number) => peer.post(id, '['.repeat(500))],
    [
      'an unknown critical option',
      '4.02 ACK',
      (id: number) => peer.post(id, '{}', { options: asJson({ number: 2049, value: hex('01') }) }),
    ],
    ['a wrong credential', '4.03 ACK', (id: number) => peer.post(id, reg.replace('credential of', 'guess at'))],
    ['a message of nobody', '4.04 ACK', (id: number) => peer.post(id, '{"msgType":"MSG","payload":"x"}')],
    ['another path', '4.04 ACK', (id: number) => peer.post(id, '{}', { options: [] })],
    ['another method', '4.05 ACK', (id: number) => peer.post(id, '', { code: 1 })],
    [
      'a wish for CBOR',
      '4.06 ACK',
      (id: number) => peer.post(id, '{}', { options: asJson({ number: 17, value: hex('3c') }) }),
    ],
    ['a payload too large', '4.13 ACK', (id: number) => peer.post(id, 'x'.repeat(1_500))],
    [
      'a wrong Content-Format',
      '4.15 ACK',
      (id: number) => peer.post(id, '{}', { options: onPath({ number: 12, value: hex('3c') }) }),
    ],
    [
      'a wish for a proxy',
      '5.05 ACK',
      (id: number) => peer.post(id, '{}', { options: asJson({ number: 35, value: hex('61') }) }),
    ],
    ['a ping', '0.00 RST', (id: number) => hex(`4000${id.toString(16)}`)],
    ['a CON that is cut', '0.00 RST', (id: number) => hex(`4402${id.toString(16)}01`)],
  ])('%s gets %s', async (_what, answer, octetsOf) => {
    const id = ++lastId;
    peer.send(octetsOf(id));
    await until(answer, async () => peer.heard.includes(`${answer} 0x${id.toString(16)}`), 5_000);
  });

  test('what is no message, or none that may be answered, gets silence', async () => {
    const before = peer.heard.length;
    for (const octets of ['', 'c0', '5402300101', '7000300230', 'ff'.repeat(40)]) peer.send(hex(octets));
    const id = ++lastId;
    peer.send(hex(`4000${id.toString(16)}`));
    await until('the ping after them', async () => peer.heard.length > before);
    expect(peer.heard.slice(before)).toEqual([`0.00 RST 0x${id.toString(16)}`]);
  });

  test('20 copies of a message at once are one message at the server, answered as one', async () => {
    peer.send(peer.post(0x1001, reg));
    await until('registration', async () => peer.heard.includes('2.01 ACK 0x1001'));
    const message = peer.post(0x1002, '{"msgType":"MSG","msgId":"twenty","payload":"x"}');
    for (let copy = 0; copy < 20; copy++) peer.send(message);
    await until('the answer', async () => peer.heard.includes('2.04 ACK 0x1002'));
    const found = await until('the message', async () =>
      (await lab.server()).messages.filter(({ appId }) => appId === 'probe').at(0),
    );
    expect(found.times).toBe(1);
    expect(new Set(peer.heard.filter(line => line.endsWith('0x1002')))).toEqual(new Set(['2.04 ACK 0x1002']));
  });

  test('5 000 datagrams of noise from 20 ports stop neither device', async () => {
    const random = seededRandom(7);
    const below = (n: number): number => Math.floor(random() * n);
    const peers = await Promise.all(Array.from({ length: 20 }, () => openUdpPeer(port)));
    for (let i = 0; i < 5_000; i++) {
      const octets = Buffer.from(peer.post(i, reg));
      for (let hits = below(4); hits >= 0; hits--) octets[below(octets.length)] = below(256);
      peers[i % peers.length].send(octets.subarray(0, below(8) === 0 ? below(octets.length) : undefined));
      if (i % 100 === 99) await new Promise(resolve => setTimeout(resolve, 2));
    }
    await goodDevicesGoOn();
    for (const each of peers) each.close();
  });

  test('noise, a wrong FCS and half a frame on the serial line are passed over', async () => {
    for (const octets of ['00ff13dbdb', 'c0a940010001b20000c0', 'c0a94002']) {
      await lab.call('/devices/meter-1/raw', { hex: octets });
    }
    await goodDevicesGoOn();
  });

  test('a serial path that is not there is named, and stops nothing', async () => {
    expect(await call('links.list')).toContain(
      `cannot open ${join(folder.path, 'no-such-port')}: there is no such port`,
    );
    expect(await healthOf(gateway.url)).toContain('link.serial-missing');
  });

  test('50 refusals of one peer and cause are one row of the audit trail, the others wait to be counted', async () => {
    await lab.call('/devices/start', { intervalMs: 0 });
    const loud = await openUdpPeer(port);
    for (let i = 0; i < 50; i++) loud.send(loud.post(i, '{bad'));
    await until('50 answers', async () => loud.heard.length === 50);
    const { value } = JSON.parse(await call('audit.recent')) as {
      value: { events: { from?: string; action: string }[] };
    };
    const rows = value.events.filter(({ from }) => from === `udp 127.0.0.1:${loud.port}`);
    expect(rows).toEqual([
      expect.objectContaining({ action: 'peer.malformed', result: 'refused', reason: 'MALFORMED' }),
    ]);
    loud.close();
  });

  test('no key and no credential stands in anything that the gateway said', async () => {
    const { kAkma } = JSON.parse(readFileSync(lab.site.keyFile, 'utf8')) as { kAkma: string };
    const calls = ['overview.read', 'devices.list', 'messages.recent', 'audit.recent', 'session.status', 'links.list'];
    const said = [gateway.errors(), ...(await Promise.all(calls.map(call)))].join('\n');
    expect(said).toContain('probe');
    for (const secret of [kAkma, probe.credential, ...lab.site.devices.map(device => device.credential)]) {
      expect(said).not.toContain(secret);
    }
  });
});

describe('a server that answers nonsense', () => {
  const folder = temporaryFolder();
  let server: NonsenseServer;
  let gateway: Program & { url: string };
  let device: UdpPeer;

  beforeAll(async () => {
    server = await startNonsenseServer(folder.path);
    const port = await freeUdpPort();
    const more = { deviceListen: `127.0.0.1:${port}`, devices: [probe], defaultDestination: destination };
    gateway = await startGateway(folder.path, server.config(more));
    await until('the session', async () => (await healthOf(gateway.url)).includes('ok'));
    device = await openUdpPeer(port);
    device.send(device.post(1, reg));
    await until('registration', async () => device.heard.includes('2.01 ACK 0x1'));
  });

  afterAll(async () => {
    device?.close();
    await gateway?.stop();
    await server?.stop();
    folder.remove();
  });

  test('is asked again, and the log says what the messages wait for', async () => {
    server.answers('MSG', json(0x44, '<html>'), json(0xa0, ''), json(0x44, '{"msgType":"MSGRESP"}'));
    device.send(device.post(2, '{"msgType":"MSG","payload":"x"}'));
    await until('the third answer', async () => server.asked('MSG') === 3);
    expect(device.heard).toContain('2.04 ACK 0x2');
    expect(gateway.errors()).toContain('"reason":"2.04 with nonsense: the payload is not JSON');
    expect(gateway.errors()).toContain('messages to the server wait');
  });

  test('that forgot us and will not have us back is told as such, and takes the message when it does', async () => {
    server.answers('REG', json(0x83, '{"result":false,"cause":"NOT_AUTHORIZED"}'));
    server.answers('MSG', json(0x84, '{"failureCause":"NOT_REGISTERED"}'));
    const before = server.asked('MSG');
    device.send(device.post(3, '{"msgType":"MSG","payload":"y"}'));
    await until('the refusal', async () => (await healthOf(gateway.url)).includes('registration.refused'));
    expect(server.asked('MSG')).toBe(before + 1);
    server.answers('REG', json(0x41, '{"result":true}'));
    server.answers('MSG', json(0x44, '{"msgType":"MSGRESP"}'));
    await until('the message', async () => server.asked('MSG') === before + 2);
    expect(await healthOf(gateway.url)).toContain('ok');
  });
});
