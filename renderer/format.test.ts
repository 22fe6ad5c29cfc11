import { expect, test } from 'vitest';
import {
  cutMiddle,
  formatAge,
  formatBytes,
  formatClock,
  formatCount,
  formatMs,
  formatPercent,
  formatRate,
  formatTime,
} from './format.ts';

test('thousands are parted by a thin space, and a minus is a minus', () => {
  expect(formatCount(48_209)).toBe('48\u202f209');
  expect(formatCount(-1_204_771)).toBe('−1\u202f204\u202f771');
});

test('what has no value is a dash', () => {
  expect([formatRate(undefined), formatMs(undefined), formatPercent(0, 0)]).toEqual(['–', '–', '–']);
});

test('rates have one decimal, short times one, long ones none', () => {
  expect([formatRate(18), formatMs(0.84), formatMs(3), formatMs(84.3), formatMs(1_204)]).toEqual([
    '18.0',
    '0.8',
    '3',
    '84',
    '1\u202f204',
  ]);
  expect(formatPercent(412, 98_110)).toBe('0.42');
});

test('an age is told in its largest unit', () => {
  const ages = [-5, 0, 999, 2_100, 59_999, 60_000, 3_599_999, 7_200_000, 86_400_000, 94 * 86_400_000].map(formatAge);
  expect(ages.map(age => age.replace('\u00a0', ' '))).toEqual([
    '0 s',
    '0 s',
    '0 s',
    '2 s',
    '59 s',
    '1 min',
    '59 min',
    '2 h',
    '1 day',
    '94 days',
  ]);
});

test('a time today is a clock, before it has its day', () => {
  const now = new Date(2026, 10, 21, 14, 22, 7).getTime();
  expect(formatTime(new Date(2026, 10, 21, 9, 5, 3).getTime(), now)).toBe('09:05:03');
  expect(formatTime(new Date(2026, 10, 18, 10, 4).getTime(), now)).toBe('18 Nov 10:04');
  expect(formatClock(now)).toMatch(/^14:22:07 \S+$/);
});

test('an ID keeps both its ends', () => {
  expect(cutMiddle('4bf92f3577b34da6a3ce929d0e2dc71a', 15)).toBe('4bf92f3…e2dc71a');
  expect(cutMiddle('short', 15)).toBe('short');
});

test('octets are bytes, then kilobytes', () => {
  expect([formatBytes(310), formatBytes(2_048)]).toEqual(['310\u00a0B', '2.0\u00a0kB']);
});
