import type { Clock } from '../base/clock.ts';
import { GatewayError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import {
  newChannelCounters,
  type Channel,
  type ChannelCounters,
  type Endpoint,
  type Receiver,
  type SecurityContext,
} from './channel.ts';

/** What may happen to a datagram on its way. Probabilities from 0 to 1, each drawn by itself. */
export interface Faults {
  loss: number;
  repetition: number;
  /** Of being held back for `reorderByMs` beyond the delay, so that later ones overtake. */
  reordering: number;
  reorderByMs: number;
  /** Of one octet being changed. */
  corruption: number;
  delayMs: number;
  /** Decides by itself what is lost, beside chance: the n-th copy, one direction, everything. */
  drops: (datagram: Carried) => boolean;
}

/** One datagram as it was sent. */
export interface Carried {
  readonly from: string;
  readonly to: string;
  readonly octets: Uint8Array;
  readonly atMs: number;
}

export interface MemoryHubOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly faults?: Partial<Faults>;
}

/** A network of channels by name, with faults that a seed repeats. */
export interface MemoryHub {
  /** May be changed at any time. */
  readonly faults: Faults;
  /** Everything sent, in order, the lost ones too. */
  readonly carried: readonly Carried[];
  channel(name: string, options?: MemoryChannelOptions): MemoryChannel;
}

export interface MemoryChannelOptions {
  readonly maxDatagramBytes?: number;
  /** Its endpoints carry this security context. */
  readonly security?: SecurityContext;
}

export interface MemoryChannel extends Channel {
  readonly name: string;
  /** The endpoint of another channel, the same object each time until it is renewed. */
  endpointFor(name: string): Endpoint;
  /** As a new security session or epoch would: a new object at the same name. What is sent to the one before is dropped. */
  renew(name: string): Endpoint;
  /** Tells the receiver that this endpoint is lost. */
  lose(name: string, reason?: GatewayError): void;
  /** Ends the channel by itself, as an unplugged port would. */
  fail(reason?: GatewayError): void;
  /** A datagram from that name, as a forger would send it: no counters of the other side, no faults, at once. */
  inject(octets: Uint8Array, from: string): void;
}

const noFaults: Faults = {
  loss: 0,
  repetition: 0,
  reordering: 0,
  reorderByMs: 50,
  corruption: 0,
  delayMs: 0,
  drops: () => false,
};

export function createMemoryHub(options: MemoryHubOptions): MemoryHub {
  return new Hub(options);
}

class Hub implements MemoryHub {
  readonly faults: Faults;
  readonly carried: Carried[] = [];
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #channels = new Map<string, Port>();

  constructor({ clock, random, faults }: MemoryHubOptions) {
    this.#clock = clock;
    this.#random = random;
    this.faults = { ...noFaults, ...faults };
  }

  channel(name: string, options: MemoryChannelOptions = {}): MemoryChannel {
    if (this.#channels.has(name)) throw new GatewayError('channel.port-taken', `a channel ${name} is there already`);
    const port = new Port(this, name, options);
    this.#channels.set(name, port);
    return port;
  }

  carry(sent: Uint8Array, from: string, to: string): void {
    const datagram = { from, to, octets: sent.slice(), atMs: this.#clock.monotonicMs() };
    this.carried.push(datagram);
    const { loss, repetition, drops } = this.faults;
    if (this.#happens(loss) || drops(datagram)) return;
    this.#deliver(datagram);
    if (this.#happens(repetition)) this.#deliver(datagram);
  }

  #deliver({ from, to, octets }: Carried): void {
    const { delayMs, reordering, reorderByMs, corruption } = this.faults;
    const copy = octets.slice();
    if (copy.length > 0 && this.#happens(corruption)) this.#corrupt(copy);
    const heldMs = this.#happens(reordering) ? reorderByMs : 0;
    this.#clock.after(delayMs + heldMs, () => this.#channels.get(to)?.receive(copy, from));
  }

  #corrupt(octets: Uint8Array): void {
    const at = Math.floor(this.#random() * octets.length);
    octets[at] ^= 1 + Math.floor(this.#random() * 255);
  }

  /** Draws only where a fault is set, so that setting one does not change what another draws. */
  #happens(probability: number): boolean {
    return probability > 0 && this.#random() < probability;
  }
}

class Port implements MemoryChannel {
  readonly framing = 'datagram';
  readonly isReliable = false;
  readonly isOrdered = false;
  readonly name: string;
  readonly maxDatagramBytes: number;
  readonly counters: ChannelCounters = newChannelCounters();
  readonly #hub: Hub;
  readonly #security: SecurityContext | undefined;
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #names = new WeakMap<Endpoint, string>();
  #receiver: Receiver | undefined;
  #sessions = 0;

  constructor(hub: Hub, name: string, { maxDatagramBytes = 1_152, security }: MemoryChannelOptions) {
    this.#hub = hub;
    this.name = name;
    this.maxDatagramBytes = maxDatagramBytes;
    this.#security = security;
  }

  open(receiver: Receiver): Promise<void> {
    this.#receiver ??= receiver;
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#receiver = undefined;
    return Promise.resolve();
  }

  endpointFor(name: string): Endpoint {
    return this.#endpoints.get(name) ?? this.renew(name);
  }

  renew(name: string): Endpoint {
    const endpoint: Endpoint = { key: `memory:${++this.#sessions}:${name}`, security: this.#security };
    this.#endpoints.set(name, endpoint);
    this.#names.set(endpoint, name);
    return endpoint;
  }

  lose(name: string, reason = new GatewayError('channel.refused', `${name} refuses datagrams`)): void {
    this.#receiver?.onEndpointLost?.(this.endpointFor(name), reason);
  }

  fail(reason = new GatewayError('channel.gone', `${this.name} is gone`)): void {
    const receiver = this.#receiver;
    this.#receiver = undefined;
    receiver?.onClosed?.(reason);
  }

  inject(octets: Uint8Array, from: string): void {
    this.receive(octets.slice(), from);
  }

  receive(octets: Uint8Array, from: string): void {
    if (this.#receiver === undefined) return;
    this.counters.datagramsIn++;
    this.counters.octetsIn += octets.length;
    this.#receiver.onDatagram(octets, this.endpointFor(from));
  }

  send(octets: Uint8Array, to: Endpoint): void {
    const name = this.#names.get(to);
    if (octets.length > this.maxDatagramBytes) this.counters.oversized++;
    else if (this.#receiver === undefined || name === undefined || this.#endpoints.get(name) !== to) {
      this.counters.sendErrors++;
    } else {
      this.counters.datagramsOut++;
      this.counters.octetsOut += octets.length;
      this.#hub.carry(octets, this.name, name);
    }
  }
}
