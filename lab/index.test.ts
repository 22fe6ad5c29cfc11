import { spawn, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, expect, test, vi } from 'vitest';
import { hex } from '../gateway/base/bytes.ts';
import { systemClock } from '../gateway/base/clock.ts';
import { CoapPeer, jsonObject, type CoapAnswer } from './coap-peer.ts';
import { PtyDeviceLink } from './pty-device.ts';
import { TestGateway, reading, ue, as } from './test-gateway.ts';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const act of undo.splice(0).reverse()) await act();
});

test('tells in one line where everything is', async () => {
  const { ready, directory } = await startLab();
  expect(ready).toMatchObject({
    ready: true,
    control: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    server: { host: '127.0.0.1', fqdn: 'msgin5g.example.com' },
    ueServiceId: 'ue-gateway-1@example.com',
    keyFile: join(directory, 'key.json'),
    serial: [{ id: 'lab-serial', path: join(directory, 'pty-gateway') }],
    devices: [
      { name: 'meter-1', layer2Id: '0a0001', appId: 'meter', credential: expect.stringMatching(/^[0-9a-f]{32}$/) },
      { name: 'valve-1', layer2Id: '0a0002', appId: 'valve', credential: expect.stringMatching(/^[0-9a-f]{32}$/) },
    ],
  });
});

test('a second one in the same directory says so, and leaves the first its files', async () => {
  const { directory, ready } = await startLab();
  const before = readFileSync(ready.keyFile, 'utf8');
  const second = spawn(process.execPath, [entry, '--data', directory], { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  second.stderr.on('data', (text: Buffer) => (said += text.toString()));
  const [code] = await once(second, 'close');
  expect(code).toBe(1);
  expect(said).toContain(`another lab runs in ${directory}`);
  expect(readFileSync(ready.keyFile, 'utf8')).toBe(before);
  expect(existsSync(join(directory, 'pty-gateway'))).toBe(true);
});

test('both devices register, send, receive and de-register, one on the terminal and one on UDP', async () => {
  const { call, directory } = await startLab();
  const gateway = await deviceGateway(join(directory, 'pty-gateway'));
  await call('POST', '/devices/start', { gateway: gateway.address, intervalMs: 0 });
  await vi.waitFor(
    async () => expect(await call('GET', '/devices')).toMatchObject([{ registered: true }, { registered: true }]),
    10_000,
  );
  for (const [name, appId] of [
    ['meter-1', 'meter'],
    ['valve-1', 'valve'],
  ] as const) {
    const message = { msgId: `from ${name}`, payload: '21.5', delivStReqInd: true };
    const sent = await call('POST', `/devices/${name}/send`, message);
    expect(sent).toEqual({
      status: '2.04',
      msgId: `from ${name}`,
      response: { msgType: 'MSGRESP', msgId: `from ${name}` },
    });
    const command = { msgType: 'MSG', oriAddr: as, appId, msgId: `to ${name}`, payload: 'open' };
    expect(await gateway.peerOf(appId).post('/msgin5g', command)).toMatchObject({ code: '2.04' });
    expect(await call('GET', `/devices/${name}`)).toMatchObject({
      sent: [{ msgId: `from ${name}`, payload: '21.5', acknowledged: true }],
      received: [{ msgId: `to ${name}`, payload: 'open', oriAddr: as }],
    });
    expect(await call('POST', `/devices/${name}/deregister`)).toMatchObject({ status: '2.04' });
    expect(await call('GET', `/devices/${name}`)).toMatchObject({ registered: false });
  }
});

test('noise on the line does not keep the device from being heard', async () => {
  const { call, directory } = await startLab();
  const gateway = await deviceGateway(join(directory, 'pty-gateway'));
  await call('POST', '/devices/start', { gateway: gateway.address, intervalMs: 0 });
  await call('POST', '/devices/meter-1/raw', { hex: '00ff41c0a940001334e6b3' });
  expect(await call('POST', '/devices/meter-1/send', { payload: 'x' })).toMatchObject({ status: '2.04' });
});

test('a message acknowledged before SIGKILL is a duplicate after it', async () => {
  const lab = await startLab();
  const before = await attach(lab);
  expect(await before.post(reading)).toMatchObject({ code: '2.04' });
  lab.child.kill('SIGKILL');
  await once(lab.child, 'exit');
  const again = await startLab(lab.directory);
  const after = await attach(again);
  expect(await after.post(reading)).toMatchObject({ code: '2.04' });
  expect(await again.call('GET', '/server')).toMatchObject({ duplicates: 1, sessions: 1, registered: [ue.addr] });
  expect(await again.call('GET', '/server/messages?ids=1')).toEqual([{ msgId: 'm1', times: 1 }]);
  expect(again.ready.devices).toEqual(lab.ready.devices);
});

test('a new primary authentication makes the old key worthless and the new one good', async () => {
  const lab = await startLab();
  const old = readKey(lab.ready.keyFile);
  await lab.call('POST', '/core/authenticate');
  expect(readKey(lab.ready.keyFile).aKid).not.toBe(old.aKid);
  await expect(attach(lab, old)).rejects.toMatchObject({ code: expect.stringMatching(/^dtls\./) });
  await attach(lab);
});

test('a call that cannot be done is answered with its reason', async () => {
  const { callRaw } = await startLab();
  const refused: [path: string, body: object, status: number, code: string][] = [
    ['/devices/nobody/send', { payload: 'x' }, 404, 'lab.unknown-device'],
    ['/devices/meter-1/send', {}, 400, 'lab.bad-request'],
    ['/devices/meter-1/send', { payload: 'x' }, 409, 'lab.not-started'],
    ['/devices/start', {}, 409, 'lab.not-started'],
    ['/devices/meter-1/raw', { hex: 'zz' }, 400, 'lab.bad-request'],
    ['/devices/start', { gateway: 'nowhere' }, 400, 'lab.bad-request'],
    ['/server/send', { appId: 'meter', payload: 'x' }, 409, 'lab.not-registered'],
    ['/server/away', {}, 400, 'lab.bad-request'],
  ];
  for (const [path, body, status, code] of refused) {
    expect(await callRaw('POST', path, body)).toMatchObject({ status, body: { code } });
  }
});

test('ends with standard input, and takes the terminals with it', async () => {
  const { child, directory } = await startLab();
  child.stdin!.end();
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(existsSync(join(directory, 'pty-gateway'))).toBe(false);
});

test('ends with SIGTERM while nobody reads the serial line', async () => {
  const { call, child } = await startLab();
  await call('POST', '/devices/start', { gateway: '127.0.0.1:9', intervalMs: 0 });
  for (let i = 0; i < 20; i++) await call('POST', '/devices/meter-1/raw', { hex: '55'.repeat(2_000) });
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
});

test('killed with SIGKILL, it leaves no socat behind', async () => {
  const { child, directory } = await startLab();
  child.kill('SIGKILL');
  await once(child, 'exit');
  await vi.waitFor(() => expect(existsSync(join(directory, 'pty-gateway'))).toBe(false), 10_000);
});

test('without --data it says how it is called', async () => {
  const child = spawn(process.execPath, [entry], { stdio: ['pipe', 'ignore', 'pipe'] });
  const [line] = await once(createInterface({ input: child.stderr }), 'line');
  expect(line).toContain('--data DIR');
  if (child.exitCode === null) await once(child, 'exit');
  expect(child.exitCode).toBe(2);
});

const entry = join(import.meta.dirname, 'index.ts');

interface Ready {
  control: string;
  controlToken: string;
  server: { port: number };
  keyFile: string;
  devices: object[];
}

interface Lab {
  directory: string;
  ready: Ready;
  child: ChildProcess;
  call: (method: string, path: string, body?: object) => Promise<unknown>;
  callRaw: (method: string, path: string, body?: object) => Promise<{ status: number; body: unknown }>;
}

async function startLab(directory = mkdtempSync(join(tmpdir(), 'lab-'))): Promise<Lab> {
  const args = [entry, '--data', directory, '--seed', '1'];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  undo.push(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const ready = JSON.parse(line) as Ready;
  const callRaw = async (method: string, path: string, body?: object) => {
    const headers = { authorization: `Bearer ${ready.controlToken}` };
    const response = await fetch(`${ready.control}${path}`, { method, headers, body: body && JSON.stringify(body) });
    return { status: response.status, body: await response.json() };
  };
  const call = async (method: string, path: string, body?: object) => (await callRaw(method, path, body)).body;
  return { directory, ready, child, call, callRaw };
}

interface KeyFile {
  aKid: string;
  kAkma: string;
}

function readKey(path: string): KeyFile {
  return JSON.parse(readFileSync(path, 'utf8')) as KeyFile;
}

/** A gateway on the lab's server, registered. */
async function attach({ ready }: Lab, key = readKey(ready.keyFile)): Promise<TestGateway> {
  const { port } = ready.server;
  const gateway = new TestGateway({ port, kAkma: hex(key.kAkma), identity: `3GPP-AKMA${key.aKid}` });
  undo.push(() => gateway.vanish());
  await gateway.connect();
  await gateway.register();
  return gateway;
}

/** The devices' side of a gateway, which takes everything: on UDP and on the terminal. */
async function deviceGateway(terminal: string) {
  const peers = new Map<string, CoapPeer>();
  const newPeer = (send: (datagram: Uint8Array) => void): CoapPeer => {
    const peer: CoapPeer = new CoapPeer({
      clock: systemClock,
      send,
      serve: async ({ payload }) => {
        const { msgType, appId, msgId } = jsonObject(payload)!;
        peers.set(String(appId), peer);
        return msgType === 'MSG' ? { code: '2.04', body: { msgType: 'MSGRESP', msgId } } : taken;
      },
    });
    return peer;
  };
  const socket = createSocket('udp4');
  const udp = newPeer(datagram => socket.send(datagram, device.port, device.address));
  let device = { address: '', port: 0 };
  socket.on('message', (datagram, from) => {
    device = from;
    udp.receive(datagram);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const line = new PtyDeviceLink(terminal, 'gateway\n');
  const serial = newPeer(message => line.send(message));
  const address = `127.0.0.1:${socket.address().port}`;
  await line.open({ host: '', port: 0 }, message => serial.receive(message));
  undo.push(
    () => socket.close(),
    () => line.close(),
  );
  return { address, peerOf: (appId: string) => peers.get(appId)! };
}

const taken: CoapAnswer = { code: '2.04', body: { result: true } };
