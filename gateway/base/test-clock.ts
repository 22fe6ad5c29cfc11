import type { Cancel, Clock } from './clock.ts';

interface Waiting {
  atMs: number;
  order: number;
  act: () => void;
}

/** A clock that stands still until a test moves it. Timers fire in order of time, then of setting. */
export class TestClock implements Clock {
  #nowMs = 0;
  #order = 0;
  readonly #startWallMs: number;
  readonly #waiting = new Set<Waiting>();

  constructor(startWallMs = Date.UTC(2026, 10, 21)) {
    this.#startWallMs = startWallMs;
  }

  wallMs(): number {
    return this.#startWallMs + this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, act: () => void): Cancel {
    const entry = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, act };
    this.#waiting.add(entry);
    return () => this.#waiting.delete(entry);
  }

  /** How many timers are set: a stopped thing leaves none behind. */
  get pending(): number {
    return this.#waiting.size;
  }

  /** Moves time on, firing what falls due, timers set by those included. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (let next = this.#next(untilMs); next; next = this.#next(untilMs)) this.#fire(next);
    this.#nowMs = untilMs;
  }

  /** As `advance`, and lets promises settle before, between and after the timers. */
  async advanceAsync(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await settle();
    for (let next = this.#next(untilMs); next; next = this.#next(untilMs)) {
      this.#fire(next);
      await settle();
    }
    this.#nowMs = untilMs;
  }

  #next(untilMs: number): Waiting | undefined {
    let first: Waiting | undefined;
    for (const entry of this.#waiting) {
      if (entry.atMs > untilMs) continue;
      if (!first || entry.atMs < first.atMs || (entry.atMs === first.atMs && entry.order < first.order)) first = entry;
    }
    return first;
  }

  #fire(entry: Waiting): void {
    this.#waiting.delete(entry);
    this.#nowMs = entry.atMs;
    entry.act();
  }
}

/** Lets every promise that can settle without input or timer do so. */
export function settle(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}
