import type { Clock } from '../base/clock.ts';
import { GatewayError } from '../base/errors.ts';
import type { Line } from './line.ts';

/** From one start to its stop. */
export class Run {
  isOn = true;
  /** The session in use or on its way up. */
  line: Line | undefined;
  /** Resolves when its last round is over. */
  done: Promise<void> = Promise.resolve();
  readonly #clock: Clock;
  #endPause: () => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Throws after the end: whoever was awaited meanwhile has come too late. */
  check(): void {
    if (!this.isOn) throw stopped();
  }

  /** Waits, until the end at most. */
  async pause(ms: number): Promise<void> {
    if (!this.isOn) return;
    const wait = after(this.#clock, ms);
    this.#endPause = wait.cancel;
    await wait.passed;
  }

  end(): void {
    this.isOn = false;
    this.#endPause();
  }
}

export function stopped(): GatewayError {
  return new GatewayError('session.stopped', 'the session is not started');
}

/** A wait that can be ended early. */
export function after(clock: Clock, ms: number): { passed: Promise<void>; cancel: () => void } {
  let cancel = (): void => {};
  const passed = new Promise<void>(resolve => {
    const cancelTimer = clock.after(ms, resolve);
    cancel = () => {
      cancelTimer();
      resolve();
    };
  });
  return { passed, cancel };
}
