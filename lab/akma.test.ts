import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { hex, toHex, utf8 } from '../gateway/base/bytes.ts';
import { aKidOf, afIdOf, deriveATid, deriveKAf, deriveKAkma, kdf, uaStarIdOf } from './akma.ts';

const akma = read('akma-vectors.json');
const aka = read('5g-aka-vector.json');
const v1 = akma.vectors[0];

describe.each(akma.vectors as Vector[])('the vector $name', vector => {
  test('gives K_AKMA', () => expect(toHex(deriveKAkma(hex(vector.k_ausf), vector.supi))).toBe(vector.k_akma));
  test('gives A-TID', () => expect(toHex(deriveATid(hex(vector.k_ausf), vector.supi))).toBe(vector.a_tid));
  test('gives AF_ID', () =>
    expect(toHex(afIdOf(vector.af_fqdn, hex(vector.ua_star_protocol_id)))).toBe(vector.af_id_octets));
  test('gives K_AF', () => expect(toHex(deriveKAf(hex(vector.k_akma), hex(vector.af_id_octets)))).toBe(vector.k_af));
  test('gives A-KID', () => expect(aKidOf(hex(vector.a_tid), vector)).toBe(vector.a_kid));
});

test('the Ua* identifier carries the suite of the handshake', () => {
  expect(toHex(uaStarIdOf(0xc0a8))).toBe('010001c0a8');
  expect(toHex(uaStarIdOf(0x00a8))).toBe('01000100a8');
  expect(toHex(uaStarIdOf(0xccac))).toBe('010001ccac');
});

test('K_AUSF of the 5G AKA vector gives its K_AKMA and A-TID', () => {
  expect(toHex(deriveKAkma(hex(aka.k_ausf), aka.supi_imsi))).toBe(aka.k_akma);
  expect(toHex(deriveATid(hex(aka.k_ausf), aka.supi_imsi))).toBe(aka.a_tid);
});

// frankurcrazy/helloworld 5g/keys: K_SEAF from K_AUSF, FC 0x6C, P0 the serving network name. TS 33.501 §A.6
test('the key derivation function gives a published K_SEAF', () => {
  const kSeaf = kdf(hex(v1.k_ausf), 0x6c, utf8('5G:mnc001.mcc001.3gppnetwork.org'));
  expect(toHex(kSeaf)).toBe('d2bbc63b0c141247341c0fca3dc3bffdc6bfc1813489342de8487e7e4dc3728b');
});

describe('what a wrong derivation would give is not what ours gives', () => {
  const kAkma = toHex(deriveKAkma(hex(v1.k_ausf), v1.supi));
  const kAf = toHex(deriveKAf(hex(v1.k_akma), hex(v1.af_id_octets)));
  test('SUPI with the prefix imsi-', () => {
    expect(toHex(deriveKAkma(hex(v1.k_ausf), `imsi-${v1.supi}`))).toBe(
      akma.negative.k_akma_if_supi_wrongly_has_imsi_prefix,
    );
    expect(kAkma).not.toBe(akma.negative.k_akma_if_supi_wrongly_has_imsi_prefix);
  });
  test('AF_ID without the Ua* identifier', () => {
    expect(toHex(deriveKAf(hex(v1.k_akma), utf8(v1.af_fqdn)))).toBe(akma.negative.k_af_if_ua_id_omitted);
    expect(kAf).not.toBe(akma.negative.k_af_if_ua_id_omitted);
  });
  test('lengths in little-endian order', () => expect(kAf).not.toBe(akma.negative.k_af_if_lengths_little_endian));
  test('FC 0x6A without the label AKMA', () =>
    expect(kAkma).not.toBe('05c78fd4e3620810ec88f4d200417e275a291bb6c02fdce29d0a2d6e7c677358'));
  test('one octet of length', () =>
    expect(kAkma).not.toBe('a52ab62fb8349b61d390dc1067e6591c2045314d0f0a13b5b3af134df9cde80f'));
});

interface Vector {
  name: string;
  k_ausf: string;
  supi: string;
  rid: string;
  mcc: string;
  mnc: string;
  af_fqdn: string;
  ua_star_protocol_id: string;
  af_id_octets: string;
  k_akma: string;
  a_tid: string;
  k_af: string;
  a_kid: string;
}

function read(name: string) {
  return JSON.parse(readFileSync(new URL(`../test/vectors/${name}`, import.meta.url), 'utf8'));
}
