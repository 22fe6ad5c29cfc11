import type { Endpoint } from '../channel/channel.ts';
import type { Random } from '../base/random.ts';
import { NumberMap } from './number-map.ts';

/**
 * Tokens of the requests that are open, over all endpoints.
 *
 * On a security session a token is a counter, so none is used twice in the session's life (RFC 9175 §4.2); the counter is one
 * for all sessions and is never set back. Without security a forger must guess it: 32 random bits (RFC 7252 §5.3.1).
 */
export class Tokens<T extends { readonly tokenOctets: Uint8Array }> {
  readonly #random: Random;
  readonly #open = new NumberMap<T>();
  #counter = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  get size(): number {
    return this.#open.size;
  }

  /** A token for a request to this endpoint, different from every open one. */
  next(to: Endpoint): Uint8Array {
    let value = to.security ? ++this.#counter : Math.floor(this.#random() * 0x1_0000_0000);
    let token = octetsOf(value, to.security ? 2 : 4);
    while (this.#open.has(keyOf(token))) {
      value = to.security ? ++this.#counter : (value + 1) >>> 0;
      token = octetsOf(value, to.security ? 2 : 4);
    }
    return token;
  }

  set(holder: T): void {
    this.#open.set(keyOf(holder.tokenOctets), holder);
  }

  get(token: Uint8Array): T | undefined {
    const holder = this.#open.get(keyOf(token));
    return holder !== undefined && isSame(holder.tokenOctets, token) ? holder : undefined;
  }

  delete(holder: T): void {
    const key = keyOf(holder.tokenOctets);
    if (this.#open.get(key) === holder) this.#open.delete(key);
  }
}

/** A number for a map; tokens of other lengths may share it, which `isSame` tells apart. */
function keyOf(token: Uint8Array): number {
  let key = 0;
  for (let i = 0; i < token.length; i++) key = (Math.imul(key, 256) ^ token[i] ^ (key >>> 24)) | 0;
  return key;
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * Two octets, four, or six: 281 billion a session's life, eighty years at 100 000 a second.
 * @param atLeast how many octets there are at least
 */
function octetsOf(value: number, atLeast: 2 | 4): Uint8Array {
  if (value < 0x1_0000 && atLeast === 2) return Uint8Array.of(value >>> 8, value);
  if (value < 0x1_0000_0000) return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
  const high = Math.floor(value / 0x1_0000_0000);
  return Uint8Array.of(high >>> 8, high, value >>> 24, value >>> 16, value >>> 8, value);
}
