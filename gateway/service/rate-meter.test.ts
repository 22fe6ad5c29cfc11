import { expect, test } from 'vitest';
import { TestClock } from '../base/test-clock.ts';
import { RateMeter } from './rate-meter.ts';

test('says nothing before it has seen a second', () => {
  const clock = new TestClock();
  const meter = new RateMeter(clock);
  expect(meter.read({ up: 7 })).toBeUndefined();
  clock.advance(999);
  expect(meter.read({ up: 8 })).toBeUndefined();
  clock.advance(1);
  expect(meter.read({ up: 9 })?.('up')).toBe(2);
});

test('is the mean of the last ten seconds', () => {
  const clock = new TestClock();
  const meter = new RateMeter(clock);
  let up = 0;
  const run = (seconds: number, perSecond: number): number | undefined => {
    let rate: number | undefined;
    for (let i = 0; i < seconds; i++) {
      clock.advance(1_000);
      up += perSecond;
      rate = meter.read({ up })?.('up');
    }
    return rate;
  };
  expect(run(30, 4)).toBe(4);
  expect(run(5, 0)).toBe(2);
  expect(run(10, 0)).toBe(0);
});

test('does not take the time in which nobody looked for a lull', () => {
  const clock = new TestClock();
  const meter = new RateMeter(clock);
  meter.read({ up: 0 });
  clock.advance(3_600_000);
  expect(meter.read({ up: 9_000 })).toBeUndefined();
  clock.advance(2_000);
  expect(meter.read({ up: 9_010 })?.('up')).toBe(5);
});
