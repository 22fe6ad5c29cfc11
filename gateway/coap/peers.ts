import type { Cancel, Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { Endpoint } from '../channel/channel.ts';
import { Fifo } from './fifo.ts';
import { MessageIds } from './message-ids.ts';
import { NumberMap } from './number-map.ts';
import type { Outgoing } from './outgoing.ts';
import type { Received } from './received.ts';
import type { CoapCounters, CoapParameters } from './types.ts';

/** What is remembered of one endpoint. */
export class Peer {
  readonly endpoint: Endpoint;
  readonly messageIds: MessageIds;
  /** Messages of ours that may still be acknowledged, reset or answered, by Message ID. */
  readonly sent = new NumberMap<Outgoing>();
  /** Messages of theirs within their lifetime, by Message ID. */
  readonly received = new Map<number, Received>();
  /** Behind NSTART, or waiting for a Message ID. */
  readonly waiting = new Fifo<Outgoing>();
  /** Interactions that count toward NSTART. RFC 7252 §4.7. */
  outstanding = 0;
  /** Handlers that run for this endpoint. */
  handling = 0;
  /** Set while the next Message ID is awaited. */
  cancelMessageIdWait: Cancel | undefined = undefined;
  lastUsedMs: number;
  queuedMs: number;

  constructor(endpoint: Endpoint, messageIds: MessageIds, nowMs: number) {
    this.endpoint = endpoint;
    this.messageIds = messageIds;
    this.lastUsedMs = nowMs;
    this.queuedMs = nowMs;
  }

  /** Whether an exchange with it is open, in either role. */
  get isBusy(): boolean {
    return this.handling > 0 || this.sent.size > 0 || this.waiting.length > 0;
  }
}

/** How many endpoints are looked at before one more is refused. */
const maxTries = 32;

/** The endpoints with state. Bounded: beyond `maxEndpoints` the one silent for longest, without an open exchange, is forgotten. */
export class Peers {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #parameters: CoapParameters;
  readonly #counters: CoapCounters;
  readonly #peers = new Map<Endpoint, Peer>();
  #cancelSweep: Cancel | undefined;

  constructor(clock: Clock, random: Random, parameters: CoapParameters, counters: CoapCounters) {
    this.#clock = clock;
    this.#random = random;
    this.#parameters = parameters;
    this.#counters = counters;
  }

  get size(): number {
    return this.#peers.size;
  }

  find(endpoint: Endpoint): Peer | undefined {
    return this.#peers.get(endpoint);
  }

  /** The state of an endpoint that we send to: always there. */
  get(endpoint: Endpoint, nowMs: number): Peer {
    const known = this.#peers.get(endpoint);
    if (known === undefined && this.#peers.size >= this.#parameters.maxEndpoints) this.#forgetOne();
    return known ?? this.#add(endpoint, nowMs);
  }

  /** The state of an endpoint that sent a request; undefined when there is no room. */
  admit(endpoint: Endpoint, nowMs: number): Peer | undefined {
    const known = this.#peers.get(endpoint);
    if (known !== undefined) {
      known.lastUsedMs = nowMs;
      return known;
    }
    if (this.#peers.size >= this.#parameters.maxEndpoints && !this.#forgetOne()) return undefined;
    return this.#add(endpoint, nowMs);
  }

  values(): IterableIterator<Peer> {
    return this.#peers.values();
  }

  stop(): void {
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
    for (const peer of this.#peers.values()) peer.cancelMessageIdWait?.();
    this.#peers.clear();
  }

  #add(endpoint: Endpoint, nowMs: number): Peer {
    const { exchangeLifetimeMs } = this.#parameters;
    const peer = new Peer(endpoint, new MessageIds(this.#random, exchangeLifetimeMs), nowMs);
    this.#peers.set(endpoint, peer);
    this.#cancelSweep ??= this.#clock.after(exchangeLifetimeMs, this.#sweep);
    return peer;
  }

  /** From the one queued earliest on; those used since queue again, so that the order becomes that of use. */
  #forgetOne(): boolean {
    let tries = 0;
    for (const [endpoint, peer] of this.#peers) {
      if (++tries > maxTries) return false;
      this.#peers.delete(endpoint);
      if (!peer.isBusy && peer.queuedMs === peer.lastUsedMs) {
        this.#counters.forgotten += peer.received.size;
        // The queue of its messages still holds them until their lifetime: they must not hold the answers as well.
        for (const received of peer.received.values()) received.answer = undefined;
        peer.received.clear();
        return true;
      }
      peer.queuedMs = peer.lastUsedMs;
      this.#peers.set(endpoint, peer);
    }
    return false;
  }

  /** An endpoint is forgotten once nothing is open, nothing of it is remembered, and all its Message IDs are free again. */
  readonly #sweep = (): void => {
    this.#cancelSweep = undefined;
    const nowMs = this.#clock.monotonicMs();
    for (const [endpoint, peer] of this.#peers) {
      if (!peer.isBusy && peer.received.size === 0 && peer.messageIds.isIdle(nowMs)) this.#peers.delete(endpoint);
    }
    if (this.#peers.size > 0) this.#cancelSweep = this.#clock.after(this.#parameters.exchangeLifetimeMs, this.#sweep);
  };
}
