import { describe, expect, test } from 'vitest';
import { seededRandom } from '../base/random.ts';
import { MessageIds } from './message-ids.ts';

describe('message IDs', () => {
  test('go upward from a random start and wrap', () => {
    const ids = new MessageIds(() => 0.99999, 1_000);
    expect([ids.take(0), ids.take(0), ids.take(0)]).toEqual([0xffff, 0, 1]);
  });

  test('are each taken once within a lifetime', () => {
    const ids = new MessageIds(seededRandom(1), 247_000);
    const taken = new Set(Array.from({ length: 65_536 }, () => ids.take(0)));
    expect(taken.size).toBe(65_536);
    expect(ids.take(246_999)).toBe(-1);
    expect(ids.freeInMs(246_999)).toBe(1);
    expect(ids.take(247_000)).toBeGreaterThanOrEqual(0);
  });

  test('are free a lifetime after their own use, not after the start', () => {
    const ids = new MessageIds(() => 0, 1_000);
    const lastUseMs = new Map<number, number>();
    let nowMs = 0;
    let shortestMs = Infinity;
    for (let i = 0; i < 200_000; i++) {
      let id = ids.take(nowMs);
      while (id < 0) id = ids.take((nowMs += ids.freeInMs(nowMs)));
      shortestMs = Math.min(shortestMs, nowMs - (lastUseMs.get(id) ?? -Infinity));
      lastUseMs.set(id, nowMs);
      if (i % 100 === 0) nowMs += 1;
    }
    expect(shortestMs).toBeGreaterThanOrEqual(1_000);
  });

  test('are idle when the last is a lifetime old', () => {
    const ids = new MessageIds(() => 0, 1_000);
    expect(ids.isIdle(0)).toBe(true);
    ids.take(5);
    expect([ids.isIdle(1_004), ids.isIdle(1_005)]).toEqual([false, true]);
  });
});
