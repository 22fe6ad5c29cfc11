import { expect, test } from 'vitest';
import { seededRandom } from '../base/random.ts';
import { Fifo } from './fifo.ts';

test('a FIFO gives back in order what went in, through every growth and wrap', () => {
  const fifo = new Fifo<number>();
  const random = seededRandom(3);
  let [next, expected, wrong] = [0, 0, 0];
  for (let i = 0; i < 10_000; i++) {
    if (random() < 0.55) fifo.push(next++);
    else if (fifo.length > 0) {
      wrong += Number(fifo.peek() !== expected) + Number(fifo.shift() !== expected++);
    }
    wrong += Number(fifo.length !== next - expected);
  }
  expect(wrong).toBe(0);
  fifo.unshift(-1);
  expect([fifo.shift(), fifo.peek()]).toEqual([-1, expected]);
  fifo.clear();
  expect([fifo.length, fifo.peek(), fifo.shift()]).toEqual([0, undefined, undefined]);
});
