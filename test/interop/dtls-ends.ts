import { onTestFinished } from 'vitest';
import { fromUtf8, toHex, utf8 } from '../../gateway/base/bytes.ts';
import { systemClock } from '../../gateway/base/clock.ts';
import type { GatewayError } from '../../gateway/base/errors.ts';
import { Secret } from '../../gateway/base/secret.ts';
import type { Channel, Endpoint } from '../../gateway/channel/channel.ts';
import { createUdpChannel } from '../../gateway/channel/udp.ts';
import { DtlsClientChannel, type DtlsClientOptions } from '../../gateway/secure/dtls-client.ts';
import { DtlsServerChannel, type DtlsServerOptions } from '../../gateway/secure/dtls-server.ts';

export const identity = '3GPP-AKMArid0.LLF04WGWKhamkNntrfwT3vX6YmGiw9NrJeX1Bk@5gc.mnc001.mcc001.3gppnetwork.org';
/** K_AF of vector V1 in akma-vectors.json; any 32 octets would do. */
export const keyHex = 'd1d1a54e1a1d5634ffb5234b1b98b17f87903f269b447d0c962bc1698397c8d5';
export const wrongKeyHex = '00'.repeat(32);
export const key = () => new Secret(Uint8Array.from(Buffer.from(keyHex, 'hex')));

/** Suites by the names that OpenSSL and GnuTLS give them. */
export const suites = [
  { code: 0xccac, openssl: 'ECDHE-PSK-CHACHA20-POLY1305', gnutls: '+ECDHE-PSK:-CIPHER-ALL:+CHACHA20-POLY1305' },
  { code: 0xc0a8, openssl: 'PSK-AES128-CCM8', gnutls: '+PSK:-CIPHER-ALL:+AES-128-CCM-8' },
  { code: 0x00a8, openssl: 'PSK-AES128-GCM-SHA256', gnutls: '+PSK:-CIPHER-ALL:+AES-128-GCM' },
] as const;

/** What came over a channel, and a way to wait for it. */
function inbox() {
  const texts: string[] = [];
  const lost: string[] = [];
  let from: Endpoint | undefined;
  const watchers = new Set<() => void>();
  const changed = (): void => watchers.forEach(look => look());
  return {
    texts,
    lost,
    from: () => from,
    receiver: {
      onDatagram(octets: Uint8Array, endpoint: Endpoint) {
        texts.push(fromUtf8(octets) ?? toHex(octets));
        from = endpoint;
        changed();
      },
      onEndpointLost(_endpoint: Endpoint, reason: GatewayError) {
        lost.push(reason.code);
        changed();
      },
    },
    /** Resolves when `holds`; the test's own time limit is the end of patience. */
    until: (holds: () => boolean) =>
      new Promise<void>(resolve => {
        const look = (): void => {
          if (!holds()) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
      }),
    changed,
  };
}

/** Our client toward a server on this port, over real UDP; `localPort` 0 takes any. */
export async function ourClient(port: number, options: Partial<DtlsClientOptions> = {}, localPort = 0) {
  const below = createUdpChannel({ port: localPort, connect: { host: '127.0.0.1', port } });
  const channel = new DtlsClientChannel({
    below,
    to: below.endpointFor('127.0.0.1', port),
    clock: systemClock,
    suites: suites.map(({ code }) => code),
    serverName: 'msgin5g.example.com',
    psk: () => ({ identity, key: key() }),
    initialTimeoutMs: 500,
    ...options,
  });
  onTestFinished(() => channel.close());
  const box = inbox();
  return {
    channel,
    box,
    open: () => channel.open(box.receiver),
    localPort: () => below.local!.port,
    send: (text: string) => channel.send(utf8(text), channel.endpoint),
  };
}

/** Our server on any port, over real UDP. */
export async function ourServer(options: Partial<DtlsServerOptions> = {}) {
  const below = createUdpChannel({ host: '127.0.0.1' });
  const refused: string[] = [];
  const box = inbox();
  const channel: DtlsServerChannel & Channel = new DtlsServerChannel({
    below,
    clock: systemClock,
    suites: suites.map(({ code }) => code),
    identityHint: '3GPP-AKMA',
    psk: asked => (asked === identity ? key() : undefined),
    resumptionLifetimeMs: 60_000,
    initialTimeoutMs: 500,
    onRefused(_from, reason) {
      refused.push(reason.code);
      box.changed();
    },
    ...options,
  });
  await channel.open(box.receiver);
  onTestFinished(() => channel.close());
  return {
    channel,
    box,
    refused,
    port: below.local!.port,
    reply: (text: string) => channel.send(utf8(text), box.from()!),
  };
}
