import type { GatewayError } from '../base/errors.ts';

/** What protects an endpoint's octets, as facts for people and for rules; never a key. */
export interface SecurityContext {
  readonly protocol: 'DTLS 1.2' | 'TLS 1.2' | 'TLS 1.3';
  /** IANA cipher suite code, 0xc0a8 for TLS_PSK_WITH_AES_128_CCM_8. */
  readonly suite: number;
  readonly identity: string;
}

/**
 * Where octets come from and go to. The object itself is the identity: one endpoint, one object, compared with `===`.
 * A new security session or epoch is a new object even at the same address, so "the session and epoch of its request"
 * (RFC 7252 §9.1.2) is simply the same Endpoint.
 */
export interface Endpoint {
  /** For people, logs and maps: `udp:127.0.0.1:40001`, `serial:meters`, `dtls:3:127.0.0.1:5684`. Unique while it lives. */
  readonly key: string;
  readonly security?: SecurityContext;
}

/** Who hears what a channel carries. */
export interface Receiver {
  /** One datagram. The octets belong to the receiver from here on. */
  onDatagram(octets: Uint8Array, from: Endpoint): void;
  /** This endpoint answers no more, and why: ICMP refusal, close_notify, unplug. Other endpoints live on. */
  onEndpointLost?(endpoint: Endpoint, reason: GatewayError): void;
  /** The whole channel ended by itself, and why. Not called for `close()`. */
  onClosed?(reason: GatewayError): void;
}

/**
 * What carries octets, and how it behaves; the layer above decides what follows from that.
 * The constructor only keeps arguments; `open` acts, `close` undoes, both may be called twice.
 */
export interface Channel {
  readonly framing: 'datagram' | 'stream';
  /** The largest datagram that `send` takes. Larger ones are dropped and counted as `oversized`. */
  readonly maxDatagramBytes: number;
  readonly isReliable: boolean;
  readonly isOrdered: boolean;
  readonly counters: ChannelCounters;
  /** Resolves when datagrams can flow. Rejects with a GatewayError that says what is in the way. */
  open(receiver: Receiver): Promise<void>;
  /** Sends or drops, never throws. The channel does not keep the octets after the call unless it copies them. */
  send(octets: Uint8Array, to: Endpoint): void;
  close(): Promise<void>;
}

export interface ChannelCounters {
  datagramsIn: number;
  datagramsOut: number;
  octetsIn: number;
  octetsOut: number;
  /** Not sent because larger than `maxDatagramBytes`. */
  oversized: number;
  /** Not sent because the system refused (buffer full, closed). */
  sendErrors: number;
}

export function newChannelCounters(): ChannelCounters {
  return { datagramsIn: 0, datagramsOut: 0, octetsIn: 0, octetsOut: 0, oversized: 0, sendErrors: 0 };
}
