import type { Cancel, Clock } from '../base/clock.ts';
import type { GatewayError } from '../base/errors.ts';
import { errorFacts, type Log } from '../base/log.ts';
import type { AuditEvent } from './types.ts';

/** Between tries of a disk that failed, and of a writer that died. */
const retryMs = 1_000;

interface Began {
  readonly error: GatewayError;
  readonly atMs: number;
  readonly monotonicMs: number;
  refused: number;
}

/**
 * The time in which nothing can be written: from the first failure until the audit trail has been told of it. Each commit
 * that comes meanwhile is a try, and so is one a second of our own.
 */
export class Outage {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #write: (audit: readonly AuditEvent[]) => Promise<unknown>;
  readonly #changed: () => void;
  #began: Began | undefined;
  #cancelRetry: Cancel | undefined;
  #isEnding = false;
  #isClosed = false;

  /** @param write commits audit rows; `changed` is called when an outage began or ended */
  constructor(clock: Clock, log: Log, write: (audit: readonly AuditEvent[]) => Promise<unknown>, changed: () => void) {
    this.#clock = clock;
    this.#log = log;
    this.#write = write;
    this.#changed = changed;
  }

  /** Why nothing can be written now. */
  get error(): GatewayError | undefined {
    return this.#began?.error;
  }

  /**
   * @param refused how many changes this failure refused
   * @param again what to do after a while
   */
  failed(error: GatewayError, refused: number, again: () => void): void {
    const isNews = !this.#began;
    this.#began ??= { error, atMs: this.#clock.wallMs(), monotonicMs: this.#clock.monotonicMs(), refused: 0 };
    this.#began.refused += refused;
    this.#cancelRetry?.();
    if (!this.#isClosed) this.#cancelRetry = this.#clock.after(retryMs, again);
    if (!isNews) return;
    this.#log.error('the store cannot write', errorFacts(error));
    this.#changed();
  }

  /** The way to the disk seems to be there again: tells the audit trail, and when that is on disk the outage is over. */
  end(): void {
    if (!this.#began || this.#isEnding) return;
    this.#isEnding = true;
    this.#write(this.#events(this.#began))
      .then(
        () => this.#ended(),
        // Whatever made it fail has planned the next try.
        () => {},
      )
      .finally(() => {
        this.#isEnding = false;
      });
  }

  /** No more tries. */
  close(): void {
    this.#isClosed = true;
    this.#cancelRetry?.();
  }

  #ended(): void {
    this.#cancelRetry?.();
    this.#log.info('the store writes again', { refused: this.#began?.refused });
    this.#began = undefined;
    this.#changed();
  }

  #events({ error, atMs, monotonicMs, refused }: Began): AuditEvent[] {
    const store = { actor: 'program', object: 'store' };
    const reason = `${error.code}: ${error.message}`;
    const now = { atMs: this.#clock.wallMs(), monotonicMs: this.#clock.monotonicMs() };
    return [
      { ...store, action: 'store.failed', atMs, monotonicMs, result: 'failed', reason },
      { ...store, action: 'store.recovered', ...now, result: 'ok', ...(refused > 0 ? { count: refused } : {}) },
    ];
  }
}
