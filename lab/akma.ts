import { createHmac } from 'node:crypto';
import { utf8 } from '../gateway/base/bytes.ts';

// The lab's own key derivation, written from the specification apart from the gateway's, so that the two can disagree.

/**
 * The generic key derivation function: HMAC-SHA-256(key, FC || P0 || L0 || P1 || L1 ...), each Li the length of Pi in two
 * octets, big-endian. TS 33.220 §B.2.0
 * @returns 32 octets
 */
export function kdf(key: Uint8Array, fc: number, ...parameters: readonly Uint8Array[]): Uint8Array {
  const hmac = createHmac('sha256', key).update(Uint8Array.of(fc));
  for (const parameter of parameters) {
    hmac.update(parameter).update(Uint8Array.of(parameter.length >> 8, parameter.length & 0xff));
  }
  return new Uint8Array(hmac.digest());
}

/**
 * K_AKMA from K_AUSF. TS 33.535 §A.2
 * @param supi for SUPI type IMSI the bare digits, without "imsi-" (TS 33.501 §A.7.0)
 */
export function deriveKAkma(kAusf: Uint8Array, supi: string): Uint8Array {
  return kdf(kAusf, 0x80, utf8('AKMA'), utf8(supi));
}

/** A-TID, the temporary identifier inside the A-KID, from K_AUSF. TS 33.535 §A.3 */
export function deriveATid(kAusf: Uint8Array, supi: string): Uint8Array {
  return kdf(kAusf, 0x81, utf8('A-TID'), utf8(supi));
}

/** K_AF from K_AKMA and the AF_ID of `afIdOf`. TS 33.535 §A.4 */
export function deriveKAf(kAkma: Uint8Array, afId: Uint8Array): Uint8Array {
  return kdf(kAkma, 0x82, afId);
}

/** AF_ID: the FQDN's octets as they are, then the five octets of the Ua* security protocol identifier. TS 33.535 §A.4 */
export function afIdOf(fqdn: string, uaStarId: Uint8Array): Uint8Array {
  return Uint8Array.from([...utf8(fqdn), ...uaStarId]);
}

/** Ua* security protocol identifier of shared-key TLS up to 1.2, and by the profile DTLS 1.2: 01 00 01 yy zz, yy zz the suite. TS 33.220 §H.3 */
export function uaStarIdOf(suite: number): Uint8Array {
  return Uint8Array.of(0x01, 0x00, 0x01, suite >> 8, suite & 0xff);
}

export interface HomeNetwork {
  /** Routing Indicator, 1 to 4 digits, kept as provisioned: "0" and "0000" differ. */
  readonly rid: string;
  readonly mcc: string;
  /** Two or three digits; the realm always has three. TS 23.003 §28.2 */
  readonly mnc: string;
}

/** The A-KID of the project profile, `rid<RID>.<base64url of A-TID>@5gc.mncNNN.mccNNN.3gppnetwork.org`. TS 33.535 §6.1 fixes its parts only. */
export function aKidOf(aTid: Uint8Array, { rid, mcc, mnc }: HomeNetwork): string {
  return `rid${rid}.${Buffer.from(aTid).toString('base64url')}@5gc.mnc${mnc.padStart(3, '0')}.mcc${mcc}.3gppnetwork.org`;
}
