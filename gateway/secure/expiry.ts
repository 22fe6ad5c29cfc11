import type { Cancel, Clock } from '../base/clock.ts';

/** The longest delay that a timer takes; a later end is waited for in parts. */
const longestTimerMs = 2 ** 31 - 1;

/** Calls `act` once when the wall clock has reached `atMs`, at once when it has. */
export function atWallTime(clock: Clock, atMs: number, act: () => void): Cancel {
  let cancel: Cancel | undefined;
  const look = (): void => {
    const leftMs = atMs - clock.wallMs();
    if (leftMs <= 0) act();
    else cancel = clock.after(Math.min(leftMs, longestTimerMs), look);
  };
  look();
  return () => cancel?.();
}
