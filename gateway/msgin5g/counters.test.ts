import { expect, test } from 'vitest';
import { seededRandom } from '../base/random.ts';
import { TestClock } from '../base/test-clock.ts';
import { MessageCounters } from './counters.ts';

function make() {
  const clock = new TestClock();
  return { clock, counters: new MessageCounters(clock, seededRandom(3)) };
}

test('counts messages, and refusals by their cause', () => {
  const { counters } = make();
  counters.count('up');
  counters.count('up');
  counters.count('down');
  counters.refused('MALFORMED');
  counters.refused('NOT_AUTHORIZED');
  counters.refused('MALFORMED');
  expect(counters.snapshot()).toMatchObject({
    received: 3,
    up: 2,
    down: 1,
    sent: 0,
    refused: { MALFORMED: 2, NOT_AUTHORIZED: 1 },
  });
});

test('counts by link what its devices gave and got', () => {
  const { counters } = make();
  counters.onLink('udp', 'up');
  counters.onLink('udp', 'up');
  counters.onLink('meters', 'down');
  expect(counters.snapshot().links).toEqual({ udp: { up: 2, down: 0 }, meters: { up: 0, down: 1 } });
});

test('has no latency before the first message, and median and 95th percentile after it', () => {
  const { counters } = make();
  expect(counters.snapshot()).not.toHaveProperty('upLatencyMsP50');
  for (let ms = 1; ms <= 100; ms++) counters.upLatency(ms);
  expect(counters.snapshot()).toMatchObject({ upLatencyMsP50: 51, upLatencyMsP95: 96, upLatencyMsP99: 100 });
});

test('forgets latencies after five minutes', () => {
  const { clock, counters } = make();
  counters.upLatency(900);
  clock.advance(240_000);
  counters.upLatency(10);
  expect(counters.snapshot().upLatencyMsP95).toBe(900);
  clock.advance(60_000);
  expect(counters.snapshot().upLatencyMsP95).toBe(10);
});

test('keeps a fair sample of a busy minute, not its beginning or its end', () => {
  const { counters } = make();
  for (let i = 0; i < 10_000; i++) counters.upLatency(i < 5_000 ? 10 : 20);
  const { upLatencyMsP50, upLatencyMsP95 } = counters.snapshot();
  expect([10, 20]).toContain(upLatencyMsP50);
  expect(upLatencyMsP95).toBe(20);
  for (let i = 0; i < 90_000; i++) counters.upLatency(30);
  expect(counters.snapshot().upLatencyMsP50).toBe(30);
});
