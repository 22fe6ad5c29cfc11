import type { Random } from './random.ts';

/** Waits that double from failure to failure, each between half and all of its length, so that many do not knock at once. */
export class Backoff {
  readonly #firstMs: number;
  readonly #longestMs: number;
  readonly #random: Random;
  #failures = 0;

  constructor(firstMs: number, longestMs: number, random: Random) {
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
    this.#random = random;
  }

  /** How long to wait after one failure more: whole milliseconds, from half of `firstMs` to `longestMs`. */
  nextMs(): number {
    // 2^30 times anything here is beyond every maximum.
    const wholeMs = Math.min(this.#longestMs, this.#firstMs * 2 ** Math.min(30, this.#failures++));
    return Math.round((wholeMs / 2) * (1 + this.#random()));
  }

  reset(): void {
    this.#failures = 0;
  }
}
