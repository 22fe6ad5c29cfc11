import { describe, expect, test } from 'vitest';
import { TestClock } from '../base/test-clock.ts';
import { DelayLine, Waiter } from './delay-line.ts';

describe('a delay line', () => {
  test('calls each after the delay, in order, and not those that left', () => {
    const clock = new TestClock();
    const due: Waiter[] = [];
    const line = new DelayLine<Waiter>(clock, 100, waiter => due.push(waiter));
    const [a, b, c] = [new Waiter(), new Waiter(), new Waiter()];
    line.join(a, clock.monotonicMs());
    clock.advance(10);
    line.join(b, clock.monotonicMs());
    line.join(c, clock.monotonicMs());
    line.leave(b);
    line.leave(b);
    clock.advance(89);
    expect(due).toEqual([]);
    clock.advance(1);
    expect(due).toEqual([a]);
    clock.advance(10);
    expect(due).toEqual([a, c]);
    expect(clock.pending).toBe(0);
  });

  test('takes one timer for all, and none once stopped', () => {
    const clock = new TestClock();
    const line = new DelayLine<Waiter>(clock, 100, () => {});
    for (let i = 0; i < 100; i++) line.join(new Waiter(), i);
    expect(clock.pending).toBe(1);
    line.stop();
    expect(clock.pending).toBe(0);
  });
});
