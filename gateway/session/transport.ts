import type { Clock } from '../base/clock.ts';
import { GatewayError } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import type { Channel, ChannelCounters, Endpoint, Receiver } from '../channel/channel.ts';
import { createUdpChannel, type UdpChannel } from '../channel/udp.ts';
import { DtlsClientChannel } from '../secure/dtls-client.ts';

/** A channel whose `open` does a handshake: one security session with the server. */
export interface SecureChannel extends Channel {
  /** The server under this session. Once open. */
  readonly endpoint: Endpoint;
  /** What the handshake agreed on. Once open. */
  readonly facts: { readonly suite: number; readonly resumed: boolean } | undefined;
  /** Secret octets that resume this session; undefined where it may not be resumed. Ask before `close`. */
  exportSession(): Uint8Array | undefined;
}

export interface ConnectRequest {
  /** Called once the server chose the suite; undefined refuses. */
  readonly psk: (suite: number, identityHint: string | undefined) => { identity: string; key: Secret } | undefined;
  /** Resumes from the 5-tuple of the session before. Without it the handshake is a new one, from a new port. */
  readonly resume?: Secret;
  /** Wall clock of K_AF's end: the session ends then. */
  readonly endsAtMs: number;
}

/** The way to one server. */
export interface Transport {
  connect(request: ConnectRequest): SecureChannel;
  /** Lets go of the port. */
  close(): Promise<void>;
}

export interface DtlsTransportOptions {
  /** Address or name to dial; `fqdn` is what the server is called. */
  readonly host: string;
  readonly port: number;
  readonly fqdn: string;
  readonly suites: readonly number[];
  readonly clock: Clock;
  readonly initialTimeoutMs?: number;
  readonly handshakeTimeoutMs?: number;
}

/** DTLS 1.2 over UDP. */
export function createDtlsTransport(options: DtlsTransportOptions): Transport {
  const { host, port, fqdn, ...rest } = options;
  const wishes = { ...rest, serverName: fqdn };
  let socket: KeptSocket | undefined;
  return {
    connect({ psk, resume, endsAtMs }) {
      if (!resume || !socket) {
        void socket?.close();
        socket = new KeptSocket(createUdpChannel({ connect: { host, port } }));
      }
      const to = socket.udp.endpointFor(host, port);
      const below = new LentChannel(socket);
      return new DtlsClientChannel({ ...wishes, below, to, psk, resume, endsAtMs });
    },
    async close() {
      const closing = socket;
      socket = undefined;
      await closing?.close();
    },
  };
}

/** A UDP socket that outlives the security sessions over it, so that the next one comes from the same 5-tuple. */
class KeptSocket {
  readonly udp: UdpChannel;
  receiver: Receiver | undefined;

  constructor(udp: UdpChannel) {
    this.udp = udp;
  }

  open(): Promise<void> {
    return this.udp.open({
      onDatagram: (octets, from) => this.receiver?.onDatagram(octets, from),
      onEndpointLost: (endpoint, reason) => this.receiver?.onEndpointLost?.(endpoint, reason),
      onClosed: reason => this.receiver?.onClosed?.(reason),
    });
  }

  close(): Promise<void> {
    this.receiver = undefined;
    return this.udp.close();
  }
}

/** The kept socket as one security session sees it: closing it gives it back. */
class LentChannel implements Channel {
  readonly framing = 'datagram';
  readonly isReliable = false;
  readonly isOrdered = false;
  readonly maxDatagramBytes: number;
  readonly counters: ChannelCounters;
  readonly #socket: KeptSocket;
  #receiver: Receiver | undefined;
  #isClosed = false;

  constructor(socket: KeptSocket) {
    this.#socket = socket;
    this.maxDatagramBytes = socket.udp.maxDatagramBytes;
    this.counters = socket.udp.counters;
  }

  async open(receiver: Receiver): Promise<void> {
    this.#receiver = this.#socket.receiver = receiver;
    await this.#socket.open();
    // A name may take long to resolve, and nobody waits for it any more.
    if (this.#isClosed) throw new GatewayError('dtls.closed', 'the session was closed while its socket was opened');
  }

  send(octets: Uint8Array, to: Endpoint): void {
    this.#socket.udp.send(octets, to);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#socket.receiver === this.#receiver) this.#socket.receiver = undefined;
  }
}
