import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fromUtf8, hex, utf8 } from '../base/bytes.ts';
import { systemClock, type Clock } from '../base/clock.ts';
import { silentLog } from '../base/log.ts';
import { seededRandom } from '../base/random.ts';
import { Secret } from '../base/secret.ts';
import { TestClock } from '../base/test-clock.ts';
import type { Endpoint } from '../channel/channel.ts';
import { createUdpChannel, type UdpChannel } from '../channel/udp.ts';
import { createCoapEndpoint } from '../coap/endpoint.ts';
import type { CoapEndpoint } from '../coap/types.ts';
import type { Association } from '../secure/association.ts';
import { DtlsServerChannel } from '../secure/dtls-server.ts';
import { afIdOctets, deriveKaf, uaStarIdOfSuite } from './akma.ts';
import { FileKeySource } from './file-key-source.ts';
import { akmaIdentityFormat } from './psk-identity.ts';
import { createSession } from './session.ts';
import { createDtlsTransport } from './transport.ts';
import type { Session, SessionState, SessionStatus } from './types.ts';

// akma-vectors.json, V1
const aKid = 'rid0000.LLF042GWKhalxJDZ7f3hPdXyYg4haZGDNH2aTBTKKRA@5gc.mnc001.mcc001.3gppnetwork.org';
const kAkma = hex('331ea0632c0627296e0a424393dd78d301d87892645e750c1fe312a5d0b10204');
const fqdn = 'msgin5g.example.com';
const [ccac, c0a8, gcm] = [0xccac, 0xc0a8, 0x00a8];

let directory: string;
let session: Session | undefined;
let udp: UdpChannel;
let server: CoapEndpoint | undefined;
let security: DtlsServerChannel;
let said: string[];
let clients: Endpoint[];
/** What the server knows; changed by the tests of refusals. */
let serverKey: (identity: string, suite: number) => Uint8Array | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'session-'));
  const path = join(directory, 'key.json');
  writeFileSync(
    path,
    JSON.stringify({
      supi: '001010123456789',
      aKid,
      kAkma: Buffer.from(kAkma).toString('hex'),
      expiresAt: '2099-12-31T00:00:00Z',
    }),
  );
  chmodSync(path, 0o600);
  said = [];
  clients = [];
  serverKey = (identity, suite) =>
    identity === `3GPP-AKMA${aKid}` ? deriveKaf(kAkma, afIdOctets(fqdn, uaStarIdOfSuite(suite))) : undefined;
});

afterEach(async () => {
  await session?.stop(1_000);
  await server?.stop();
  session = server = undefined;
  rmSync(directory, { recursive: true });
});

/** A DTLS server of our own engine; foreign ones are met in test/interop. */
async function serve(suites = [ccac, c0a8, gcm], port = 0): Promise<number> {
  udp = createUdpChannel({ host: '127.0.0.1', port });
  security = new DtlsServerChannel({
    below: udp,
    clock: systemClock,
    suites,
    identityHint: '3GPP-AKMA',
    resumptionLifetimeMs: 3_600_000,
    psk(identity, suite) {
      const key = serverKey(identity, suite);
      return key && new Secret(key);
    },
  });
  server = createCoapEndpoint({
    channel: security,
    clock: systemClock,
    random: seededRandom(1),
    handler: ({ payload, from }) => {
      said.push(fromUtf8(payload)!);
      clients.push(from);
      return { code: 0x44, options: [], payload: utf8('ok') };
    },
  });
  await server.start();
  return udp.local!.port;
}

function connect(
  port: number,
  { suites = [ccac, c0a8, gcm], handshakeTimeoutMs = 5_000, clock = systemClock as Clock } = {},
): void {
  session = createSession({
    server: { fqdn, where: `127.0.0.1:${port}`, uriPath: ['msgin5g'] },
    suites,
    uaStarId: 'auto',
    identityFormat: akmaIdentityFormat,
    requireIdentityHint: 'refuse',
    keySource: new FileKeySource({ path: join(directory, 'key.json'), clock }),
    transport: createDtlsTransport({ host: '127.0.0.1', port, fqdn, suites, clock: systemClock, handshakeTimeoutMs }),
    user: {
      register: async post => void (await post(utf8('REG'))),
      deregister: async post => void (await post(utf8('DEREG'))),
      onRequest: ({ payload }) => ({ code: 0x44, options: [], payload }),
    },
    pingAfterSilenceMs: 25_000,
    random: seededRandom(2),
    clock,
    log: silentLog,
  });
  session.start();
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(resolve => setTimeout(resolve, 2));
}

function becomes(
  state: SessionState,
  isMeant: (status: SessionStatus) => boolean = () => true,
): Promise<SessionStatus> {
  return new Promise(resolve => {
    const look = (status: SessionStatus): void => {
      if (status.state !== state || !isMeant(status)) return;
      stop();
      resolve(status);
    };
    const stop = session!.onStatus(look);
    look(session!.status());
  });
}

describe('over real DTLS', () => {
  test.each([
    ['CCAC', ccac],
    ['C0A8', c0a8],
    ['00A8', gcm],
  ])(
    '%s: K_AF of the suite that the server chose opens the session, and messages go both ways',
    async (_name, suite) => {
      connect(await serve([suite]));
      expect(await becomes('up')).toMatchObject({ suite, resumed: false, aKid });
      const response = await session!.post(utf8('MSG'));
      expect(fromUtf8(response.payload)).toBe('ok');
      expect(said).toEqual(['REG', 'MSG']);
      expect(clients[0].security).toMatchObject({ suite, identity: `3GPP-AKMA${aKid}` });
      const echo = await server!.request(clients[0], { code: 0x02, options: [], payload: utf8('to the gateway') });
      expect(fromUtf8(echo.payload)).toBe('to the gateway');
    },
  );

  test('at the end it says close_notify, and it may be started again', async () => {
    connect(await serve());
    await becomes('up');
    await session!.stop(1_000);
    expect(said).toEqual(['REG', 'DEREG']);
    await until(() => security.sessionCount === 0);
    session!.start();
    await becomes('up');
    expect(said).toEqual(['REG', 'DEREG', 'REG']);
  });

  test('a session that the server ended is resumed from the same port', async () => {
    const clock = new TestClock();
    connect(await serve(), { clock });
    await becomes('up');
    clock.advance(10_000);
    (clients[0] as Association).close();
    expect(await becomes('up', ({ resumed }) => resumed === true)).toMatchObject({ aKid });
    expect(clients[1]).not.toBe(clients[0]);
    expect((clients[1] as Association).below).toBe((clients[0] as Association).below);
  });

  test('a server that forgot its sessions gets a whole handshake instead', async () => {
    const clock = new TestClock();
    const port = await serve();
    connect(port, { clock });
    await becomes('up');
    // It goes without close_notify, and another takes its place.
    const gone = server!;
    await udp.close();
    await serve([c0a8], port);
    const again = becomes('up', ({ suite }) => suite === c0a8);
    clock.advance(60_000);
    expect(await again).toMatchObject({ resumed: false });
    await gone.stop();
  });

  test('an unknown identity is a refused key', async () => {
    serverKey = () => undefined;
    connect(await serve());
    const { reason, attempts } = await becomes('lost', status => status.attempts === 2);
    expect(reason).toMatchObject({ code: 'akma.refused', layer: 'AKMA' });
    expect(attempts).toBe(2);
  });

  test('another key is a refused key', async () => {
    serverKey = () => new Uint8Array(32).fill(1);
    connect(await serve(), { handshakeTimeoutMs: 400 });
    const { reason } = await becomes('lost');
    expect(reason).toMatchObject({ code: 'akma.refused', layer: 'AKMA' });
  });

  test('no suite in common is a failure of DTLS', async () => {
    connect(await serve([gcm]), { suites: [c0a8] });
    const { reason } = await becomes('lost');
    expect(reason).toMatchObject({ code: 'dtls.no-common-suite', layer: 'DTLS' });
  });
});

describe('where no server is', () => {
  test('a port that refuses is a failure of UDP', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { port } = socket.address();
    await new Promise<void>(resolve => socket.close(() => resolve()));
    connect(port);
    expect((await becomes('lost')).reason).toMatchObject({ code: 'channel.refused', layer: 'UDP' });
  });

  test('silence is a failure of UDP of its own', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    connect(socket.address().port, { handshakeTimeoutMs: 200 });
    expect((await becomes('lost')).reason).toMatchObject({ code: 'dtls.no-answer', layer: 'UDP' });
    await new Promise<void>(resolve => socket.close(() => resolve()));
  });
});
