import { diff, type Json } from '../../api/patch.ts';
import type { View } from '../../api/rpc.ts';
import type { Cancel, Clock } from '../base/clock.ts';

/** Ours: ten times a second is faster than a page paints (4 a second) and slow enough to gather what changes together. */
export const pushIntervalMs = 100;

/** A view that is read every `pushIntervalMs` while somebody watches, and tells what changed. */
export function liveView<T>(clock: Clock, read: () => Promise<T>, onFailure: (cause: unknown) => void): View<T> {
  const listeners = new Set<(patch: unknown) => void>();
  let current: T | undefined;
  let cancel: Cancel | undefined;

  async function turn(run: object): Promise<void> {
    try {
      const next = await read();
      if (run === running) publish(next);
    } catch (cause) {
      onFailure(cause);
    }
    if (run === running) cancel = clock.after(pushIntervalMs, () => void turn(run));
  }

  function publish(next: T): void {
    const patch = diff(current as Json | undefined, next as Json);
    if (patch === undefined) return;
    current = next;
    for (const listener of listeners) listener(patch);
  }

  // Names the time from the first watcher to the last, so that a read which outlives it changes nothing.
  let running: object | undefined;

  return {
    current: () => current,
    watch(onPatch) {
      listeners.add(onPatch);
      if (running === undefined) void turn((running = {}));
      return () => {
        listeners.delete(onPatch);
        if (listeners.size > 0) return;
        cancel?.();
        running = undefined;
        current = undefined;
      };
    },
  };
}
