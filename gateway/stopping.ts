import { systemClock } from './base/clock.ts';
import { messageOf } from './base/errors.ts';

/**
 * Ours: one Ctrl-C reaches us more than once, from the terminal and from every program between it and us that hands it
 * on (npm, the door on an older Node). Nobody presses again within this time.
 */
const sameSignalMs = 500;

/** The first SIGINT or SIGTERM stops in order and ends the process; a second one ends it at once. */
export function onceAsked(stopAll: () => Promise<void>): void {
  let askedAtMs: number | undefined;
  const onSignal = (): void => {
    const nowMs = systemClock.monotonicMs();
    if (askedAtMs !== undefined) return nowMs - askedAtMs < sameSignalMs ? undefined : process.exit(1);
    askedAtMs = nowMs;
    stopAll().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(`fieldgate: did not stop in order: ${messageOf(error)}`);
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
}

/** What was started, so that it can be stopped, last first; also when a later part did not start. */
export class Started {
  readonly #stops: (() => Promise<void>)[] = [];

  add(stop: () => Promise<void>): void {
    this.#stops.push(stop);
  }

  async stopAll(): Promise<void> {
    for (let stop = this.#stops.pop(); stop; stop = this.#stops.pop()) await stop();
  }
}
