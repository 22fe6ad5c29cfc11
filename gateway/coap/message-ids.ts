import type { Random } from '../base/random.ts';

/** Message IDs are counted in blocks: one time of use a block is enough, and never lets one be used too early. */
const blockSize = 256;
const blocks = 65_536 / blockSize;

/**
 * Message IDs toward one endpoint: from a random start upward (RFC 7252 §4.4), none again within its lifetime. That bounds the
 * rate: with the RFC's EXCHANGE_LIFETIME of 247 s, 65 536 in 247 s is 265 a second.
 */
export class MessageIds {
  readonly #lifetimeMs: number;
  /** When each block was last used, blocks counted from the one with the start in it. */
  readonly #usedAtMs: number[] = [];
  readonly #start: number;
  #taken = 0;

  constructor(random: Random, lifetimeMs: number) {
    this.#lifetimeMs = lifetimeMs;
    this.#start = Math.floor(random() * 65_536);
  }

  /** The next Message ID, or -1 when it was used less than a lifetime ago. */
  take(nowMs: number): number {
    if (this.freeInMs(nowMs) > 0) return -1;
    this.#usedAtMs[this.#block()] = nowMs;
    return (this.#start + this.#taken++) & 0xffff;
  }

  /** How long until the next Message ID may be taken. */
  freeInMs(nowMs: number): number {
    // Only the first of a block can be too early: while it is being filled, its time is of this round.
    if (this.#taken % blockSize !== 0 || this.#taken < 65_536) return 0;
    return Math.max(0, this.#usedAtMs[this.#block()] + this.#lifetimeMs - nowMs);
  }

  /** Whether every Message ID may be taken again, so that this can be forgotten. */
  isIdle(nowMs: number): boolean {
    if (this.#taken === 0) return true;
    const lastBlock = Math.floor((this.#taken - 1) / blockSize) % blocks;
    return nowMs - this.#usedAtMs[lastBlock] >= this.#lifetimeMs;
  }

  #block(): number {
    return Math.floor(this.#taken / blockSize) % blocks;
  }
}
