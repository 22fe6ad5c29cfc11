import { utf8 } from '../base/bytes.ts';
import { GatewayError } from '../base/errors.ts';
import { deriveKey } from './kdf.ts';

/**
 * K_AKMA from K_AUSF: KDF with FC = 0x80, P0 = "AKMA", P1 = SUPI. TS 33.535 §A.2.
 * @param kAusf 32 octets
 * @param supi for SUPI type IMSI the digits only, without "imsi-" (TS 33.501 §A.7.0); otherwise the NAI
 * @returns 32 octets
 */
export function deriveKakma(kAusf: Uint8Array, supi: string): Uint8Array {
  return deriveKey(kAusf, 0x80, [utf8('AKMA'), supiOctets(supi)]);
}

/** A-TID from K_AUSF: KDF with FC = 0x81, P0 = "A-TID", P1 = SUPI as for K_AKMA. 32 octets. TS 33.535 §A.3. */
export function deriveATid(kAusf: Uint8Array, supi: string): Uint8Array {
  return deriveKey(kAusf, 0x81, [utf8('A-TID'), supiOctets(supi)]);
}

/**
 * K_AF from K_AKMA: KDF with FC = 0x82, P0 = AF_ID. TS 33.535 §A.4.
 * @param kAkma 32 octets
 * @param afId from `afIdOctets`
 * @returns 32 octets, all of which are the PSK
 */
export function deriveKaf(kAkma: Uint8Array, afId: Uint8Array): Uint8Array {
  return deriveKey(kAkma, 0x82, [afId]);
}

/**
 * AF_ID: the FQDN of the AF followed by the Ua* security protocol identifier. TS 33.535 §A.4.
 * The name is hashed as it stands: another case or a trailing dot is another key.
 * @param uaStarId 5 octets, TS 33.220 Annex H
 */
export function afIdOctets(fqdn: string, uaStarId: Uint8Array): Uint8Array {
  if (uaStarId.length !== uaStarIdBytes) throw new RangeError(`a Ua* identifier has 5 octets, not ${uaStarId.length}`);
  const name = utf8(fqdn);
  const octets = new Uint8Array(name.length + uaStarIdBytes);
  octets.set(name);
  octets.set(uaStarId, name.length);
  return octets;
}

/** TS 33.220 §H.1: one octet of organisation, four of protocol. */
const uaStarIdBytes = 5;

/** Ua* identifier of shared-key (D)TLS up to version 1.2: 01 00 01 and the cipher suite. TS 33.220 §H.3. */
export function uaStarIdOfSuite(suite: number): Uint8Array {
  return Uint8Array.of(0x01, 0x00, 0x01, suite >> 8, suite & 0xff);
}

/** Ua* identifier of shared-key TLS 1.3, which does not depend on the suite. TS 33.220 §H.3, TS 33.222 §5.4.0.2. */
export const uaStarIdOfTls13: Uint8Array = Uint8Array.of(0x01, 0x00, 0x00, 0x00, 0x07);

function supiOctets(supi: string): Uint8Array {
  // The mistake is common enough in open projects that it is refused by name: the key would be silently another one.
  if (supi.startsWith('imsi-')) {
    throw new GatewayError('akma.supi', 'a SUPI goes into the key derivation without "imsi-"', {
      hint: 'give the digits of the IMSI only (TS 33.501 §A.7.0)',
    });
  }
  return utf8(supi);
}
