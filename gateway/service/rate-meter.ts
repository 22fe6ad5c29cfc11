import type { Clock } from '../base/clock.ts';

/** Ours: long enough to be still, short enough to follow. */
const windowMs = 10_000;
const sampleIntervalMs = 1_000;

type Totals = Readonly<Record<string, number>>;

/** Rates of counters that only grow, over the last 10 s, from looking at them now and then. */
export class RateMeter {
  readonly #clock: Clock;
  #samples: { atMs: number; totals: Totals }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes the counters in. @returns what each grew by in a second, or undefined while too little was seen. */
  read(totals: Totals): ((name: string) => number) | undefined {
    const nowMs = this.#clock.monotonicMs();
    this.#samples = this.#samples.filter(({ atMs }) => nowMs - atMs <= windowMs);
    const oldest = this.#samples[0];
    const newest = this.#samples.at(-1);
    if (!newest || nowMs - newest.atMs >= sampleIntervalMs) this.#samples.push({ atMs: nowMs, totals });
    const seenMs = nowMs - (oldest?.atMs ?? nowMs);
    if (!oldest || seenMs < sampleIntervalMs) return undefined;
    return name => (((totals[name] ?? 0) - (oldest.totals[name] ?? 0)) * 1_000) / seenMs;
  }
}
