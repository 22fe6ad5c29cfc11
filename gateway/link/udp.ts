import type { Clock } from '../base/clock.ts';
import type { GatewayError } from '../base/errors.ts';
import { formatHostPort } from '../base/host-port.ts';
import type { Channel, ChannelCounters, Endpoint, Receiver } from '../channel/channel.ts';
import { createUdpChannel, type UdpChannel } from '../channel/udp.ts';
import type { Link, LinkStatus } from './link.ts';
import { Standing } from './standing.ts';

export interface UdpLinkOptions {
  readonly id: string;
  /** The address to listen on. */
  readonly host: string;
  /** 0 takes any free one; `where` tells which. */
  readonly port: number;
  readonly clock: Clock;
}

/** Devices that send CoAP over UDP to one port of ours; each is known by address and port. */
export function createUdpLink({ id, host, port, clock }: UdpLinkOptions): Link {
  const udp = createUdpChannel({ host, port });
  const standing = new Standing(clock);
  const status = (): LinkStatus => ({
    id,
    kind: 'udp',
    where: formatHostPort(udp.local ?? { host, port }),
    ...standing.now,
    counters: { ...udp.counters, endpoints: udp.endpointCount },
  });
  return {
    id,
    kind: 'udp',
    channel: new WatchedChannel(udp, standing),
    status,
    onStatus: listener => standing.onChange(() => listener(status())),
    addressOf: endpoint => endpoint.key.slice(keyPrefix.length),
    endpointAt: address => endpointAt(udp, address),
  };
}

const keyPrefix = 'udp:';

/** A UDP channel whose opening and end show in the link's status. */
class WatchedChannel implements Channel {
  readonly framing: Channel['framing'];
  readonly maxDatagramBytes: number;
  readonly isReliable: boolean;
  readonly isOrdered: boolean;
  readonly counters: ChannelCounters;
  readonly #channel: UdpChannel;
  readonly #standing: Standing;

  constructor(channel: UdpChannel, standing: Standing) {
    this.framing = channel.framing;
    this.maxDatagramBytes = channel.maxDatagramBytes;
    this.isReliable = channel.isReliable;
    this.isOrdered = channel.isOrdered;
    this.counters = channel.counters;
    this.#channel = channel;
    this.#standing = standing;
  }

  async open(receiver: Receiver): Promise<void> {
    if (this.#standing.now.state === 'closed') this.#standing.set('opening');
    try {
      await this.#channel.open(receiver);
    } catch (error) {
      this.#standing.set('closed', error as GatewayError);
      throw error;
    }
    this.#standing.set('open');
  }

  send(octets: Uint8Array, to: Endpoint): void {
    this.#channel.send(octets, to);
  }

  async close(): Promise<void> {
    await this.#channel.close();
    this.#standing.set('closed');
  }
}

/** `127.0.0.1:40001` or `[::1]:40001`; undefined for anything that is no such address. */
function endpointAt(udp: UdpChannel, address: string): Endpoint | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(address);
  if (!match) return undefined;
  try {
    return udp.endpointFor(match[1] ?? match[2], Number(match[3]));
  } catch {
    return undefined;
  }
}
