import { createHmac } from 'node:crypto';

/**
 * The generic key derivation function: HMAC-SHA-256(key, FC || P0 || L0 || P1 || L1 || ...), where Li is the length of
 * Pi in octets, as two octets, most significant first. TS 33.220 §B.2.0.
 * @param key any length; 32 octets for every key of 5G
 * @param fc one octet that names the use of the derived key
 * @param parameters Pi in order; character strings as UTF-8 without terminator (§B.2.1.2)
 * @returns 32 octets
 */
export function deriveKey(key: Uint8Array, fc: number, parameters: readonly Uint8Array[]): Uint8Array {
  const hmac = createHmac('sha256', key).update(Uint8Array.of(fc));
  for (const parameter of parameters) hmac.update(parameter).update(lengthOf(parameter));
  return new Uint8Array(hmac.digest());
}

function lengthOf(parameter: Uint8Array): Uint8Array {
  if (parameter.length > 0xffff)
    throw new RangeError(`a KDF parameter of ${parameter.length} octets has no two-octet length`);
  return Uint8Array.of(parameter.length >> 8, parameter.length & 0xff);
}
