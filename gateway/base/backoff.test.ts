import { expect, test } from 'vitest';
import { Backoff } from './backoff.ts';
import { seededRandom } from './random.ts';

const waits = (backoff: Backoff, count: number) => Array.from({ length: count }, () => backoff.nextMs());

test('waits double from the first to the longest, each between half and all of its length', () => {
  expect(waits(new Backoff(2_000, 60_000, () => 0), 7)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  expect(waits(new Backoff(2_000, 60_000, () => 0.999_999), 6)).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 60_000]);
});

test('chance moves each wait within its half, to whole milliseconds', () => {
  const longest = waits(new Backoff(1_001, 1_001, seededRandom(5)), 2_000);
  expect(longest.every(waitMs => Number.isInteger(waitMs) && waitMs >= 500 && waitMs <= 1_001)).toBe(true);
  expect(new Set(longest).size).toBeGreaterThan(400);
});

test('a thousand failures do not overflow', () => {
  const backoff = new Backoff(1, 60_000, () => 0.5);
  waits(backoff, 1_000);
  expect(backoff.nextMs()).toBe(45_000);
});

test('a reset begins again', () => {
  const backoff = new Backoff(2_000, 60_000, () => 0);
  waits(backoff, 5);
  backoff.reset();
  expect(backoff.nextMs()).toBe(1_000);
});
