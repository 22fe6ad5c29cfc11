import { randomFillSync } from 'node:crypto';

/** A number in [0, 1). An argument wherever chance decides, so that a test can own its seed. */
export type Random = () => number;

/** Asked of the system a thousand at a time. */
const pool = new Uint32Array(1_024);
let next = pool.length;

/** Not to be guessed: tokens are made of it (RFC 7252 §5.3.1). */
export const systemRandom: Random = () => {
  if (next === pool.length) {
    randomFillSync(pool);
    next = 0;
  }
  return pool[next++] / 4_294_967_296;
};

/** A repeatable source (mulberry32, 32 bits of state). Not for keys. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
