import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { lookup as resolve, type LookupAddress } from 'node:dns';
import { isIP, isIPv4, SocketAddress } from 'node:net';
import { codeOf, GatewayError, messageOf } from '../base/errors.ts';
import { formatHostPort, type HostPort } from '../base/host-port.ts';
import { newChannelCounters, type Channel, type ChannelCounters, type Receiver } from './channel.ts';
import { UdpEndpoint, UdpEndpoints } from './udp-endpoints.ts';

export interface UdpChannelOptions {
  /** The address to bind, not a name: `127.0.0.1`, `0.0.0.0`, `::` (both families). */
  readonly host?: string;
  /** 0, which is the default, takes any free one: see `local`. */
  readonly port?: number;
  /**
   * The one peer of a client, by address or name. Nobody else is heard, and when the peer's host refuses (ICMP), the
   * receiver is told: an unconnected socket never sees that.
   */
  readonly connect?: HostPort;
  readonly maxDatagramBytes?: number;
  /** Asked of the system for each direction; it may give less. */
  readonly socketBufferBytes?: number;
  /** Addresses remembered while nobody else holds them. */
  readonly maxEndpoints?: number;
}

export interface UdpChannel extends Channel {
  /** Where the socket is bound, while it is open. */
  readonly local: HostPort | undefined;
  /** How many addresses are remembered. */
  readonly endpointCount: number;
  /** The endpoint at a numeric address, always the same object; in connected mode also at the name that was given. */
  endpointFor(host: string, port: number): UdpEndpoint;
}

/** The largest UDP payload that fits IPv6's smallest MTU: 1280 less 40 less 8. More than the 1152 of RFC 7252 §4.6, with room for DTLS. */
const defaultMaxDatagramBytes = 1_232;

/** Ours: a thousand datagrams of 310 octets take 0.8 MB of a socket's buffer; the system's default of 212 kB loses some. */
const defaultSocketBufferBytes = 4 * 1024 * 1024;

/** Ours: about 200 octets each. */
const defaultMaxEndpoints = 8_192;

/** Ours: datagrams that the system has not taken yet. Beyond it they are dropped, as a full device would. */
const maxSendQueue = 4_096;

/** A UDP socket with many peers, or with one (`connect`). */
export function createUdpChannel(options: UdpChannelOptions): UdpChannel {
  return new SocketChannel(options);
}

class SocketChannel implements UdpChannel {
  readonly framing = 'datagram';
  readonly isReliable = false;
  readonly isOrdered = false;
  readonly maxDatagramBytes: number;
  readonly counters: ChannelCounters = newChannelCounters();
  readonly #options: UdpChannelOptions;
  readonly #endpoints: UdpEndpoints;
  #socket: Socket | undefined;
  #opening: Promise<void> | undefined;
  #receiver: Receiver | undefined;
  #local: HostPort | undefined;
  #peer: UdpEndpoint | undefined;
  #isIPv6 = false;
  #sendQueue = 0;

  constructor(options: UdpChannelOptions) {
    this.#options = options;
    this.maxDatagramBytes = options.maxDatagramBytes ?? defaultMaxDatagramBytes;
    this.#endpoints = new UdpEndpoints(options.maxEndpoints ?? defaultMaxEndpoints);
    this.#isIPv6 = isIP(options.host ?? '') === 6;
    const { connect } = options;
    if (connect) this.#peer = new UdpEndpoint(`udp:${formatHostPort(connect)}`, connect.host, connect.port);
  }

  get local(): HostPort | undefined {
    return this.#local;
  }

  get endpointCount(): number {
    return this.#peer ? 1 : this.#endpoints.size;
  }

  open(receiver: Receiver): Promise<void> {
    return (this.#opening ??= this.#open(receiver).catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    }));
  }

  endpointFor(host: string, port: number): UdpEndpoint {
    const { connect } = this.#options;
    if (this.#peer && connect?.host === host && connect.port === port) return this.#peer;
    if (this.#peer) throw notAnAddress(`this socket speaks with ${this.#peer.key} alone, not with ${host}:${port}`);
    if (isIP(host) === 0) throw notAnAddress(`not a numeric address: ${host}`);
    if (!Number.isInteger(port) || port < 1 || port > 65_535) throw notAnAddress(`not a UDP port: ${port}`);
    return this.#endpoints.at(asTold(host, this.#isIPv6), port);
  }

  send(octets: Uint8Array, to: UdpEndpoint): void {
    const { counters } = this;
    if (octets.length > this.maxDatagramBytes) {
      counters.oversized++;
      return;
    }
    const socket = this.#socket;
    if (socket === undefined || this.#sendQueue >= maxSendQueue) {
      counters.sendErrors++;
      return;
    }
    this.#sendQueue++;
    counters.datagramsOut++;
    counters.octetsOut += octets.length;
    if (this.#peer === undefined) socket.send(octets, to.port, to.address, this.#onSent);
    else socket.send(octets, this.#onSent);
  }

  async close(): Promise<void> {
    // An open that is still under way ends first, so that it leaves no socket behind.
    await this.#opening?.catch(() => {});
    const socket = this.#socket;
    this.#socket = undefined;
    this.#opening = undefined;
    this.#receiver = undefined;
    this.#local = undefined;
    if (socket) await new Promise<void>(closed => socket.close(() => closed()));
  }

  async #open(receiver: Receiver): Promise<void> {
    const { host, port = 0, connect, socketBufferBytes = defaultSocketBufferBytes } = this.#options;
    if (host !== undefined && isIP(host) === 0) throw notAnAddress(`not a numeric address to bind: ${host}`);
    const remote = connect && (await resolveAddress(connect.host));
    this.#isIPv6 = remote ? remote.family === 6 : isIP(host ?? '') === 6;
    const socket = createSocket({ type: this.#isIPv6 ? 'udp6' : 'udp4', lookup: alreadyNumeric });
    try {
      await once(socket, 'listening', () => socket.bind(port, host));
      if (connect && remote) await once(socket, 'connect', () => socket.connect(connect.port, remote.address));
    } catch (error) {
      socket.close();
      throw explain(error, connect ?? { host: host ?? '', port });
    }
    growBuffers(socket, socketBufferBytes);
    const { address, port: boundPort } = socket.address();
    this.#local = { host: address, port: boundPort };
    this.#receiver = receiver;
    this.#sendQueue = 0;
    socket.on('message', this.#onMessage);
    socket.on('error', this.#onError);
    this.#socket = socket;
  }

  readonly #onMessage = (octets: Uint8Array, from: RemoteInfo): void => {
    this.counters.datagramsIn++;
    this.counters.octetsIn += octets.length;
    this.#receiver?.onDatagram(octets, this.#peer ?? this.#endpoints.at(from.address, from.port));
  };

  readonly #onSent = (error: Error | null): void => {
    this.#sendQueue--;
    if (error === null) return;
    this.counters.sendErrors++;
    this.#onError(error);
  };

  readonly #onError = (error: Error): void => {
    if (this.#peer && this.#socket) this.#receiver?.onEndpointLost?.(this.#peer, refused(error, this.#peer));
  };
}

/** What dgram asks before each send. Every address here is numeric, so the answer can come in the same turn. */
function alreadyNumeric(
  address: string,
  _options: unknown,
  answer: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void {
  answer(null, address, isIP(address));
}

function resolveAddress(host: string): Promise<LookupAddress> {
  return new Promise((found, fail) => {
    resolve(host, (cause, address, family) => {
      if (cause === null) return found({ address, family });
      const hint = 'check the name, and that this machine can reach its DNS server';
      fail(new GatewayError('channel.dns', `cannot resolve ${host}: ${codeOf(cause)}`, { cause, hint }));
    });
  });
}

/** The form in which a socket of this family tells an address: shortest IPv6, IPv4 mapped on an IPv6 socket. */
function asTold(host: string, isIPv6: boolean): string {
  if (!isIPv6) return host;
  const address = isIPv4(host) ? `::ffff:${host}` : host;
  // A zone is part of a link-local address, and SocketAddress drops it.
  return address.includes('%') ? address : new SocketAddress({ family: 'ipv6', address }).address;
}

function once(socket: Socket, event: 'listening' | 'connect', act: () => void): Promise<void> {
  return new Promise((done, fail) => {
    socket.once('error', fail);
    socket.once(event, () => {
      socket.off('error', fail);
      done();
    });
    act();
  });
}

function growBuffers(socket: Socket, octets: number): void {
  for (const grow of [() => socket.setRecvBufferSize(octets), () => socket.setSendBufferSize(octets)]) {
    try {
      grow();
    } catch {
      // The system's own size then: more loss under load, nothing else.
    }
  }
}

function notAnAddress(message: string): GatewayError {
  return new GatewayError('channel.address', message, { hint: 'give an IP address and a port from 1 to 65535' });
}

const reasons: Readonly<Record<string, readonly [code: string, what: string, hint: string]>> = {
  EADDRINUSE: [
    'channel.port-taken',
    'another program has this port',
    'end it (`ss -lunp` shows it) or choose another port',
  ],
  EADDRNOTAVAIL: ['channel.address', 'this machine does not have that address', '`ip address` lists those it has'],
  EINVAL: ['channel.address', 'the address does not suit the socket', 'bind an address of the same family and scope'],
  EACCES: ['channel.permission', 'not permitted', 'ports below 1024 need the right to bind them: choose a higher one'],
  EPERM: ['channel.permission', 'not permitted', 'a firewall or a sandbox forbids it'],
};

function explain(cause: unknown, address: HostPort): GatewayError {
  if (cause instanceof GatewayError) return cause;
  const [code, what, hint] = reasons[codeOf(cause)] ?? [
    'channel.udp',
    messageOf(cause),
    'compare host and port in the configuration with the addresses of this machine',
  ];
  return new GatewayError(code, `cannot open UDP ${formatHostPort(address)}: ${what}`, { cause, hint });
}

function refused(cause: Error, peer: UdpEndpoint): GatewayError {
  if (codeOf(cause) === 'ECONNREFUSED') {
    const hint = 'the host is there, but no program listens on that port';
    return new GatewayError('channel.refused', `${peer.key} refuses datagrams`, { cause, hint });
  }
  const hint = 'check the network, the route and the firewall on the way';
  return new GatewayError('channel.unreachable', `cannot reach ${peer.key}: ${codeOf(cause)}`, { cause, hint });
}
