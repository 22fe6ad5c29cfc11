import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';

/** What messages and reports did since the start, for the dashboard. */
export interface MessageCounts {
  /** Messages that were committed: all, those of devices, those of the server. */
  readonly received: number;
  readonly up: number;
  readonly down: number;
  /** Handed to the wire, repetitions included. */
  readonly sent: number;
  /** Taken by the server. */
  readonly acknowledged: number;
  /** Reported as delivered, or taken by their device. */
  readonly delivered: number;
  readonly failed: number;
  readonly expired: number;
  /** Message IDs seen before: answered again, without effect. */
  readonly repeated: number;
  /** Requests that were not done, by cause. */
  readonly refused: Readonly<Record<string, number>>;
  /** From a device's message to the server's answer, over the last five minutes. Absent when there was none. */
  readonly upLatencyMsP50?: number;
  readonly upLatencyMsP95?: number;
  readonly upLatencyMsP99?: number;
  /** Messages taken from devices and given to devices, by link. */
  readonly links: Readonly<Record<string, LinkCounts>>;
}

interface LinkCounts {
  readonly up: number;
  readonly down: number;
}

type Counted = 'up' | 'down' | 'sent' | 'acknowledged' | 'delivered' | 'failed' | 'expired' | 'repeated';

/** Ours: five slices of a minute, each with a fair sample of its minute, so that memory does not grow with traffic. */
const sliceMs = 60_000;
const slices = 5;
const samplesPerSlice = 1_000;

export class MessageCounters {
  readonly #counts: Record<Counted, number> = {
    up: 0,
    down: 0,
    sent: 0,
    acknowledged: 0,
    delivered: 0,
    failed: 0,
    expired: 0,
    repeated: 0,
  };
  readonly #refused = new Map<string, number>();
  readonly #links = new Map<string, { up: number; down: number }>();
  readonly #latencies: { slice: number; seen: number; samplesMs: number[] }[] = [];
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  count(what: Counted): void {
    this.#counts[what]++;
  }

  /** One message taken from a device of this link, or given to one. */
  onLink(linkId: string, direction: 'up' | 'down'): void {
    const counts = this.#links.get(linkId) ?? { up: 0, down: 0 };
    counts[direction]++;
    this.#links.set(linkId, counts);
  }

  refused(cause: string): void {
    this.#refused.set(cause, (this.#refused.get(cause) ?? 0) + 1);
  }

  /** One up message was acknowledged this long after it came. */
  upLatency(ms: number): void {
    const slice = this.#slice();
    let latest = this.#latencies.at(-1);
    if (latest?.slice !== slice) {
      latest = { slice, seen: 0, samplesMs: [] };
      this.#latencies.push(latest);
      if (this.#latencies.length > slices) this.#latencies.shift();
    }
    latest.seen++;
    // Algorithm R: each of the `seen` is in the sample with the same chance.
    const at =
      latest.samplesMs.length < samplesPerSlice ? latest.samplesMs.length : Math.floor(this.#random() * latest.seen);
    if (at < samplesPerSlice) latest.samplesMs[at] = ms;
  }

  snapshot(): MessageCounts {
    const oldest = this.#slice() - slices;
    const samples = this.#latencies.filter(each => each.slice > oldest).flatMap(each => each.samplesMs);
    samples.sort((a, b) => a - b);
    const at = (share: number) => samples[Math.min(samples.length - 1, Math.floor(samples.length * share))];
    return {
      ...this.#counts,
      received: this.#counts.up + this.#counts.down,
      refused: Object.fromEntries(this.#refused),
      links: Object.fromEntries([...this.#links].map(([id, counts]) => [id, { ...counts }])),
      ...(samples.length > 0 ? { upLatencyMsP50: at(0.5), upLatencyMsP95: at(0.95), upLatencyMsP99: at(0.99) } : {}),
    };
  }

  #slice(): number {
    return Math.floor(this.#clock.monotonicMs() / sliceMs);
  }
}
