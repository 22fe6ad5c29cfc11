/** Stops a timer; may be called twice, and after it fired. */
export type Cancel = () => void;

/** Time as a dependency: everything that waits or stamps takes one of these, so that a test can own it. */
export interface Clock {
  /** Milliseconds since 1970 UTC. May jump. */
  wallMs(): number;
  /** Milliseconds since an arbitrary start. Never goes back. */
  monotonicMs(): number;
  /** Calls `act` once, after at least `delayMs`. */
  after(delayMs: number, act: () => void): Cancel;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, act) {
    const timer = setTimeout(act, delayMs);
    return () => clearTimeout(timer);
  },
};
