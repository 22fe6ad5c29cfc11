import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { hex, toHex, utf8 } from '../base/bytes.ts';
import { aKidStrategies, formatAKid, type AKidParts } from './a-kid.ts';
import { afIdOctets, deriveATid, deriveKaf, deriveKakma, uaStarIdOfSuite, uaStarIdOfTls13 } from './akma.ts';
import { deriveKey } from './kdf.ts';

const readVectors = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../test/vectors/${name}`, import.meta.url), 'utf8'));
const akma = readVectors('akma-vectors.json');
const aka = readVectors('5g-aka-vector.json');

test('the KDF without parameters is HMAC-SHA-256 over FC', () => {
  // printf w | openssl dgst -sha256 -mac HMAC -macopt key:Jefe
  expect(toHex(deriveKey(utf8('Jefe'), 0x77, []))).toBe(
    '2ad5636de0f08f7b0ecdec6db61026636820bb79bba11a13f30ea122f14ae4e2',
  );
});

test('a KDF parameter longer than its two-octet length is refused', () => {
  expect(() => deriveKey(new Uint8Array(32), 0x80, [new Uint8Array(65_536)])).toThrow(RangeError);
});

// 5g-aka-vector.json: Milenage of TS 35.208 test set 1; the keys from there on per TS 33.501 Annex A.
describe('the chain from CK and IK of TS 35.208 test set 1', () => {
  const { milenage, serving_network_name: snn, supi_imsi: imsi } = aka;
  const ckIk = hex(milenage.ck + milenage.ik);
  const sqnXorAk = hex(aka.autn).subarray(0, 6);

  test('K_AUSF (FC 0x6A)', () => expect(toHex(deriveKey(ckIk, 0x6a, [utf8(snn), sqnXorAk]))).toBe(aka.k_ausf));
  test('XRES* (FC 0x6B), the last 128 bits', () => {
    const xresStar = deriveKey(ckIk, 0x6b, [utf8(snn), hex(aka.rand), hex(milenage.res)]).subarray(16);
    expect(toHex(xresStar)).toBe(aka.xres_star);
  });
  test('K_SEAF (FC 0x6C)', () => expect(toHex(deriveKey(hex(aka.k_ausf), 0x6c, [utf8(snn)]))).toBe(aka.k_seaf));
  test('K_AMF (FC 0x6D)', () =>
    expect(toHex(deriveKey(hex(aka.k_seaf), 0x6d, [utf8(imsi), hex(aka.abba)]))).toBe(aka.k_amf));
  test('K_AKMA', () => expect(toHex(deriveKakma(hex(aka.k_ausf), imsi))).toBe(aka.k_akma));
  test('A-TID', () => expect(toHex(deriveATid(hex(aka.k_ausf), imsi))).toBe(aka.a_tid));
});

test('K_SEAF of a public test value comes out as published', () => {
  const { derived_extra: extra, vectors } = akma;
  expect(toHex(deriveKey(hex(vectors[0].k_ausf), 0x6c, [utf8(extra.sn_name)]))).toBe(extra.k_seaf);
  expect(toHex(deriveKey(hex(extra.k_seaf), 0x6d, [utf8(extra.imsi), hex(extra.abba)]))).toBe(extra.k_amf);
});

// akma-vectors.json: made by an independent script, re-derived equal with a second public implementation.
describe.each<Record<string, string>>(akma.vectors)('$name', vector => {
  const kAusf = hex(vector.k_ausf);
  const kAkma = hex(vector.k_akma);
  const afId = afIdOctets(vector.af_fqdn, hex(vector.ua_star_protocol_id));

  test('K_AKMA', () => expect(toHex(deriveKakma(kAusf, vector.supi))).toBe(vector.k_akma));
  test('A-TID', () => expect(toHex(deriveATid(kAusf, vector.supi))).toBe(vector.a_tid));
  test('AF_ID', () => expect([toHex(afId), afId.length]).toEqual([vector.af_id_octets, vector.af_id_len]));
  test('K_AF', () => expect(toHex(deriveKaf(kAkma, afId))).toBe(vector.k_af));
  test('A-KID in every rendering', () => {
    const parts: AKidParts = { rid: vector.rid, aTid: hex(vector.a_tid), mcc: vector.mcc, mnc: vector.mnc };
    const written = Object.values(aKidStrategies).map(template => formatAKid(parts, template));
    expect(written).toEqual(Object.values(vector.a_kid_renderings));
    expect(formatAKid(parts)).toBe(vector.a_kid);
  });
});

test('the Ua* identifier names the suite up to TLS 1.2 and nothing but the version in TLS 1.3', () => {
  const ids = [0xc0a8, 0x00a8, 0xd001].map(suite => toHex(uaStarIdOfSuite(suite)));
  expect([...ids.slice(0, 2), toHex(uaStarIdOfTls13), ids[2]]).toEqual(
    akma.vectors.map((v: { ua_star_protocol_id: string }) => v.ua_star_protocol_id),
  );
});

describe('known mistakes do not come out', () => {
  const v1 = akma.vectors[0];
  const kAusf = hex(v1.k_ausf);
  const kAkma = hex(v1.k_akma);
  const name = utf8(v1.af_fqdn);

  test('a SUPI with "imsi-" is refused, since its K_AKMA would be another', () => {
    expect(toHex(deriveKey(kAusf, 0x80, [utf8('AKMA'), utf8(`imsi-${v1.supi}`)]))).toBe(
      akma.negative.k_akma_if_supi_wrongly_has_imsi_prefix,
    );
    expect(() => deriveKakma(kAusf, `imsi-${v1.supi}`)).toThrow(expect.objectContaining({ code: 'akma.supi' }));
    expect(() => deriveATid(kAusf, `imsi-${v1.supi}`)).toThrow(expect.objectContaining({ code: 'akma.supi' }));
  });

  test('K_AF without the Ua* identifier is the known wrong value, and AF_ID cannot be made without it', () => {
    expect(toHex(deriveKaf(kAkma, name))).toBe(akma.negative.k_af_if_ua_id_omitted);
    expect(() => afIdOctets(v1.af_fqdn, new Uint8Array(0))).toThrow(RangeError);
  });

  test('lengths are big-endian', () => {
    const afId = afIdOctets(v1.af_fqdn, hex(v1.ua_star_protocol_id));
    expect(toHex(deriveKaf(kAkma, afId))).not.toBe(akma.negative.k_af_if_lengths_little_endian);
  });

  // FC 0x6A without the label, and a one-octet L1, as seen in open projects.
  test('K_AKMA has its own FC, its label and two-octet lengths', () => {
    expect(toHex(deriveKakma(kAusf, v1.supi))).not.toBe(
      '05c78fd4e3620810ec88f4d200417e275a291bb6c02fdce29d0a2d6e7c677358',
    );
    expect(toHex(deriveKakma(kAusf, v1.supi))).not.toBe(
      'a52ab62fb8349b61d390dc1067e6591c2045314d0f0a13b5b3af134df9cde80f',
    );
  });

  test('one octet of difference in the FQDN is another key', () => {
    const uaStarId = uaStarIdOfSuite(0xc0a8);
    const keys = ['msgin5g.example.com', 'msgin5g.example.com.', 'MSGIN5G.example.com'].map(fqdn =>
      toHex(deriveKaf(kAkma, afIdOctets(fqdn, uaStarId))),
    );
    expect(new Set(keys).size).toBe(3);
  });
});

describe('an A-KID', () => {
  const parts: AKidParts = { rid: '0', aTid: hex('fbff'), mcc: '234', mnc: '15' };

  test('keeps the Routing Indicator as provisioned', () => {
    expect(['0', '00', '0000'].map(rid => formatAKid({ ...parts, rid }, '{rid}'))).toEqual(['0', '00', '0000']);
  });
  test('is base64url without padding, case kept', () => expect(formatAKid(parts, '{atid:b64u}')).toBe('-_8'));
  test('has a three-digit MNC in its realm', () =>
    expect(formatAKid(parts, '{mnc3} {mcc} {realm}')).toBe('015 234 5gc.mnc015.mcc234.3gppnetwork.org'));
  test('cannot be written after a template with an unknown part', () => {
    expect(() => formatAKid(parts, '{atid}')).toThrow('{atid}');
    expect(() => formatAKid(parts, '{__proto__}')).toThrow(RangeError);
  });
});
