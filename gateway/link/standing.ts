import type { Clock } from '../base/clock.ts';
import { failureOf, type GatewayError } from '../base/errors.ts';
import type { LinkState, LinkStatus } from './link.ts';

/** How a link stands, since when and why, and who wants to hear of it. */
export class Standing {
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  #state: LinkState = 'closed';
  #sinceMs: number;
  #reason: LinkStatus['reason'];

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sinceMs = clock.wallMs();
  }

  /** The part of a link's status that this keeps. */
  get now(): Pick<LinkStatus, 'state' | 'sinceMs' | 'reason'> {
    return { state: this.#state, sinceMs: this.#sinceMs, reason: this.#reason };
  }

  set(state: LinkState, reason?: GatewayError): void {
    const code = reason?.code;
    if (state === this.#state && code === this.#reason?.code) return;
    if (state !== this.#state) this.#sinceMs = this.#clock.wallMs();
    this.#state = state;
    this.#reason = reason && failureOf(reason);
    for (const listener of this.#listeners) listener();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
