import type { Cancel, Clock } from '../base/clock.ts';

/** Something that can stand in one delay line at a time. */
export class Waiter {
  dueMs = 0;
  line: DelayLine<Waiter> | undefined = undefined;
  earlier: Waiter | undefined = undefined;
  later: Waiter | undefined = undefined;
}

/**
 * Everything here waits equally long, so that the order of arrival is the order of falling due: one clock timer for all,
 * and joining and leaving are a few assignments. Almost nothing falls due: its answer comes first.
 */
export class DelayLine<T extends Waiter> {
  readonly #clock: Clock;
  readonly #delayMs: number;
  readonly #onDue: (waiter: T) => void;
  #first: Waiter | undefined;
  #last: Waiter | undefined;
  #cancel: Cancel | undefined;

  constructor(clock: Clock, delayMs: number, onDue: (waiter: T) => void) {
    this.#clock = clock;
    this.#delayMs = delayMs;
    this.#onDue = onDue;
  }

  join(waiter: T, nowMs: number): void {
    waiter.line = this as unknown as DelayLine<Waiter>;
    waiter.dueMs = nowMs + this.#delayMs;
    waiter.earlier = this.#last;
    if (this.#last) this.#last.later = waiter;
    else this.#first = waiter;
    this.#last = waiter;
    // The timer is left alone when its waiter leaves: it finds the next one when it fires.
    this.#cancel ??= this.#clock.after(this.#delayMs, this.#fire);
  }

  leave(waiter: T): void {
    if (waiter.line !== (this as unknown)) return;
    const { earlier, later } = waiter;
    if (earlier) earlier.later = later;
    else this.#first = later;
    if (later) later.earlier = earlier;
    else this.#last = earlier;
    waiter.line = waiter.earlier = waiter.later = undefined;
  }

  /** Forgets the timer; whoever stands here is not called. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  readonly #fire = (): void => {
    this.#cancel = undefined;
    const nowMs = this.#clock.monotonicMs();
    for (let first = this.#first; first && first.dueMs <= nowMs; first = this.#first) {
      this.leave(first as T);
      this.#onDue(first as T);
    }
    // Whole milliseconds, as timers have them: a rest of 1e-13 would be waited for without time moving on.
    if (this.#first) this.#cancel ??= this.#clock.after(Math.ceil(this.#first.dueMs - nowMs), this.#fire);
  };
}
