import { dtls } from './index.ts';
import type { DtlsClientOptions, DtlsListener, DtlsServerOptions, DtlsSession } from './types.ts';

/** For tests: the key of both ends unless told otherwise, 32 octets as K_AF has. */
export const testKey = new Uint8Array(32).fill(0x5a);
export const testIdentity = '3GPP-AKMArid0.dGVzdA@5gc.mnc001.mcc001.3gppnetwork.org';
export const testPeer = new TextEncoder().encode('192.0.2.1:40001');

export function testClient(options: Partial<DtlsClientOptions> = {}): DtlsSession {
  return dtls.createClient({
    suites: [0xccac, 0xc0a8, 0x00a8],
    mtuBytes: 1_280,
    initialTimeoutMs: 1_000,
    psk: () => ({ identity: testIdentity, key: testKey }),
    ...options,
  });
}

export function testListener(options: Partial<DtlsServerOptions> = {}): DtlsListener {
  return dtls.createListener({
    suites: [0xccac, 0xc0a8, 0x00a8],
    identityHint: '3GPP-AKMA',
    mtuBytes: 1_280,
    initialTimeoutMs: 1_000,
    cookieSecret: new Uint8Array(32).fill(7),
    psk: identity => (identity === testIdentity ? testKey : undefined),
    resumptionLifetimeSeconds: 3_600,
    ...options,
  });
}

/** Carries one datagram into an end; whatever it throws is the test's. */
export interface Wire {
  client: DtlsSession;
  listener: DtlsListener;
  server?: DtlsSession;
  /** What a fault injector makes of each datagram: nothing, itself, another, several. */
  pass?: (datagram: Uint8Array, from: 'client' | 'server') => readonly Uint8Array[];
}

/** Starts the client and carries datagrams to and fro until both fall silent. */
export function handshake(wire: Wire): Wire {
  wire.client.start();
  return settle(wire);
}

export function settle(wire: Wire): Wire {
  for (let round = 0; round < 50 && carry(wire); round++);
  return wire;
}

/** One flight each way. False when there was none. */
function carry(wire: Wire): boolean {
  const pass = wire.pass ?? (datagram => [datagram]);
  const fromClient = wire.client.takeDatagrams().flatMap(datagram => pass(datagram, 'client'));
  const replies = fromClient.flatMap(datagram => toServer(wire, datagram));
  const fromServer = [...replies, ...(wire.server?.takeDatagrams() ?? [])].flatMap(datagram =>
    pass(datagram, 'server'),
  );
  for (const datagram of fromServer) wire.client.receive(datagram);
  return fromClient.length + fromServer.length > 0;
}

function toServer(wire: Wire, datagram: Uint8Array): readonly Uint8Array[] {
  if (wire.server) {
    wire.server.receive(datagram);
    return [];
  }
  const heard = wire.listener.receive(datagram, testPeer);
  wire.server = heard.session;
  return heard.reply;
}

/** Two ends that have shaken hands. */
export function openPair(client: Partial<DtlsClientOptions> = {}, server: Partial<DtlsServerOptions> = {}) {
  const wire = handshake({ client: testClient(client), listener: testListener(server) });
  if (!wire.server || wire.client.state !== 'open' || wire.server.state !== 'open') throw new Error('no handshake');
  return { client: wire.client, server: wire.server, listener: wire.listener };
}
