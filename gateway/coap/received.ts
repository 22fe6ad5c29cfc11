import type { Cancel, Clock } from '../base/clock.ts';
import { Fifo } from './fifo.ts';
import type { Peer } from './peers.ts';
import type { CoapCounters, CoapParameters } from './types.ts';

/** One message that came in, remembered for its lifetime so that a repetition of it has no second effect. RFC 7252 §4.5. */
export class Received {
  /** Where it is remembered. Not its peer: a flood of forged addresses would keep every one of them alive in the queue. */
  readonly among: Map<number, Received>;
  readonly messageId: number;
  readonly isConfirmable: boolean;
  readonly expiresAtMs: number;
  /** The ACK or RST that went out, sent again to each repetition. Undefined before, and for NON. */
  answer: Uint8Array | undefined = undefined;
  /** While its handler runs. */
  isOpen = false;

  constructor(among: Map<number, Received>, messageId: number, isConfirmable: boolean, expiresAtMs: number) {
    this.among = among;
    this.messageId = messageId;
    this.isConfirmable = isConfirmable;
    this.expiresAtMs = expiresAtMs;
  }
}

/** Ours: often enough that memory follows the lifetimes, seldom enough to cost nothing. */
const sweepIntervalMs = 1_000;

/** How many open ones are passed over before one more message is refused. */
const maxTries = 16;

/**
 * Messages that came in, per endpoint and Message ID: CON for EXCHANGE_LIFETIME, NON for NON_LIFETIME (RFC 7252 §4.8.2).
 *
 * Bounded in total and per endpoint. At a bound the oldest that is answered is forgotten early, and counted: a repetition
 * of it would run again, which is better than to refuse everybody for minutes after a flood. One whose handler still runs
 * is never forgotten; if nothing else is there, the new message is refused, and its sender will repeat it.
 */
export class ReceivedMessages {
  readonly #clock: Clock;
  readonly #parameters: CoapParameters;
  readonly #counters: CoapCounters;
  /** Two, because each is in order of expiry only by itself. */
  readonly #confirmable = new Fifo<Received>();
  readonly #nonConfirmable = new Fifo<Received>();
  #cancelSweep: Cancel | undefined;

  constructor(clock: Clock, parameters: CoapParameters, counters: CoapCounters) {
    this.#clock = clock;
    this.#parameters = parameters;
    this.#counters = counters;
  }

  get size(): number {
    return this.#confirmable.length + this.#nonConfirmable.length;
  }

  find(peer: Peer, messageId: number, nowMs: number): Received | undefined {
    const received = peer.received.get(messageId);
    return received !== undefined && received.expiresAtMs > nowMs ? received : undefined;
  }

  /** Remembers a message that is new; undefined when there is no room for it. */
  add(peer: Peer, messageId: number, isConfirmable: boolean, nowMs: number): Received | undefined {
    const { exchangeLifetimeMs, nonLifetimeMs, maxRemembered, maxRememberedPerEndpoint } = this.#parameters;
    this.#expire(nowMs);
    if (peer.received.size >= maxRememberedPerEndpoint && !this.#forgetOldestOf(peer)) return undefined;
    if (this.size >= maxRemembered && !this.#forgetOldest()) return undefined;
    const received = new Received(
      peer.received,
      messageId,
      isConfirmable,
      nowMs + (isConfirmable ? exchangeLifetimeMs : nonLifetimeMs),
    );
    peer.received.set(messageId, received);
    (isConfirmable ? this.#confirmable : this.#nonConfirmable).push(received);
    this.#cancelSweep ??= this.#clock.after(sweepIntervalMs, this.#sweep);
    return received;
  }

  stop(): void {
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
    this.#confirmable.clear();
    this.#nonConfirmable.clear();
  }

  readonly #sweep = (): void => {
    this.#cancelSweep = undefined;
    this.#expire(this.#clock.monotonicMs());
    if (this.size > 0) this.#cancelSweep = this.#clock.after(sweepIntervalMs, this.#sweep);
  };

  #expire(nowMs: number): void {
    expireFrom(this.#confirmable, nowMs);
    expireFrom(this.#nonConfirmable, nowMs);
  }

  #forgetOldest(): boolean {
    const [first, second] =
      this.#confirmable.length > 0
        ? [this.#confirmable, this.#nonConfirmable]
        : [this.#nonConfirmable, this.#confirmable];
    return this.#forgetFrom(first) || this.#forgetFrom(second);
  }

  #forgetFrom(queue: Fifo<Received>): boolean {
    for (let tries = Math.min(maxTries, queue.length); tries > 0; tries--) {
      const oldest = queue.shift() as Received;
      if (oldest.isOpen) {
        // Out of order from here on, which delays the others' release, never their expiry: `find` looks at the time itself.
        queue.push(oldest);
        continue;
      }
      if (forget(oldest)) this.#counters.forgotten++;
      return true;
    }
    return false;
  }

  #forgetOldestOf(peer: Peer): boolean {
    let tries = 0;
    for (const oldest of peer.received.values()) {
      if (++tries > maxTries) return false;
      if (oldest.isOpen) continue;
      forget(oldest);
      this.#counters.forgotten++;
      return true;
    }
    return false;
  }
}

function expireFrom(queue: Fifo<Received>, nowMs: number): void {
  for (let head = queue.peek(); head !== undefined && head.expiresAtMs <= nowMs; head = queue.peek()) {
    queue.shift();
    forget(head);
  }
}

/** Whether it was still remembered. */
function forget(received: Received): boolean {
  const { among, messageId } = received;
  received.answer = undefined;
  return among.get(messageId) === received && among.delete(messageId);
}
