import { markAsUntransferable } from 'node:worker_threads';

/** Ours: some forty records. Making an ArrayBuffer for each would cost more than the cryptography. */
const slabBytes = 16_384;
let slab = new ArrayBuffer(0);
let slabUsed = 0;

/** Fresh octets of a slab that many share. Not Buffer's pool: a Buffer's `slice` does not copy, and receivers may want it to. */
export function octetsOf(size: number): Uint8Array {
  if (size > slabBytes / 8) return new Uint8Array(size);
  if (slabUsed + size > slab.byteLength) {
    slab = new ArrayBuffer(slabBytes);
    markAsUntransferable(slab);
    slabUsed = 0;
  }
  const octets = new Uint8Array(slab, slabUsed, size);
  slabUsed += size;
  return octets;
}
