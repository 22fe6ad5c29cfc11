import type { Secret } from '../base/secret.ts';

/** Octets for the engine, which copies them before its call returns; these are wiped when the call is over. */
export function lend(key: Secret): Uint8Array {
  const octets = key.reveal();
  queueMicrotask(() => octets.fill(0));
  return octets;
}
