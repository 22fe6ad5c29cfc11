import { systemClock } from '../../gateway/base/clock.ts';
import { Secret } from '../../gateway/base/secret.ts';
import type { Endpoint } from '../../gateway/channel/channel.ts';
import type { UdpChannel } from '../../gateway/channel/udp.ts';
import { DtlsClientChannel } from '../../gateway/secure/dtls-client.ts';
import { DtlsServerChannel } from '../../gateway/secure/dtls-server.ts';
import type { Flags } from './flags.ts';

type Security = NonNullable<Flags['security']>;

/** The product's own DTLS over a UDP channel, one suite offered. */
export function overDtlsServer(below: UdpChannel, { suite, key }: Security): DtlsServerChannel {
  return new DtlsServerChannel({
    below,
    clock: systemClock,
    suites: [suite],
    identityHint: 'bench',
    psk: () => new Secret(Uint8Array.from(key)),
  });
}

/** As `overDtlsServer`, the client's end. */
export function overDtlsClient(below: UdpChannel, to: Endpoint, { suite, key, identity }: Security): DtlsClientChannel {
  return new DtlsClientChannel({
    below,
    to,
    clock: systemClock,
    suites: [suite],
    serverName: 'localhost',
    psk: () => ({ identity, key: new Secret(Uint8Array.from(key)) }),
  });
}
