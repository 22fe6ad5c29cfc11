import { expect, test } from 'vitest';
import { seededRandom } from '../base/random.ts';
import { NumberMap } from './number-map.ts';

test.each([
  ['that count up', (random: () => number) => Math.floor(random() * 60)],
  ['far apart', (random: () => number) => Math.floor(random() * 60) * 0x1_0000],
  // 0x0e8b2f51 undoes the product that decides the place.
  ['that want the same place', (random: () => number) => Math.imul(Math.floor(random() * 60), 0x0e8b_2f51)],
  ['of all 32 bits, signed', (random: () => number) => Math.floor(random() * 60) * 71_582_788 - 0x8000_0000],
])('a map of numbers %s holds what a Map would', (_which, draw) => {
  const random = seededRandom(5);
  const [ours, theirs] = [new NumberMap<string>(), new Map<number, string>()];
  let wrong = 0;
  for (let i = 0; i < 20_000; i++) {
    const key = draw(random);
    if (random() < 0.5) {
      ours.set(key, `${i}`);
      theirs.set(key, `${i}`);
    } else {
      ours.delete(key);
      theirs.delete(key);
    }
    const other = draw(random);
    wrong += Number(ours.get(other) !== theirs.get(other)) + Number(ours.has(other) !== theirs.has(other));
    wrong += Number(ours.size !== theirs.size);
  }
  expect(wrong).toBe(0);
  expect(ours.values().sort()).toEqual([...theirs.values()].sort());
});

test('what a map of numbers held can be taken out while its values are gone through', () => {
  const map = new NumberMap<number>();
  for (let key = 0; key < 100; key++) map.set(key, key);
  for (const key of map.values()) map.delete(key);
  expect(map.size).toBe(0);
});
