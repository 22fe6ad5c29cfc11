import { describe, expect, test } from 'vitest';
import { utf8 } from '../base/bytes.ts';
import { akmaIdentityFormat, judgeIdentityHint, pskIdentity } from './psk-identity.ts';

// akma-vectors.json, V1
const aKid = 'rid0000.LLF042GWKhalxJDZ7f3hPdXyYg4haZGDNH2aTBTKKRA@5gc.mnc001.mcc001.3gppnetwork.org';
const hexAKid =
  'rid0000.atid2cb174e361962a16a5c490d9edfde13dd5f2620e21699183347d9a4c14ca2910@5gc.mnc001.mcc001.3gppnetwork.org';

test('the identity is the prefix and the A-KID, 94 octets', () => {
  expect(pskIdentity(aKid)).toBe(`3GPP-AKMA${aKid}`);
  expect(utf8(pskIdentity(aKid)).length).toBe(94);
});

test('a separator of GBA style can be set, 95 octets', () => {
  for (const separator of [';', '.'] as const) {
    const identity = pskIdentity(aKid, { ...akmaIdentityFormat, separator });
    expect(identity).toBe(`3GPP-AKMA${separator}${aKid}`);
    expect(utf8(identity).length).toBe(95);
  }
});

test('a hexadecimal A-TID still fits', () => expect(utf8(pskIdentity(hexAKid)).length).toBe(119));

describe('refused with a sentence that does not repeat the A-KID', () => {
  test.each([
    ['129 octets', 'x'.repeat(120)],
    ['128 characters that are more octets', `${'x'.repeat(118)}é`],
    ['an empty A-KID', ''],
    ['a NUL', 'rid\0'],
    ['a lone surrogate', 'rid\ud800'],
  ])('%s', (_what, bad) => {
    expect(() => pskIdentity(bad)).toThrow(expect.objectContaining({ code: 'akma.identity' }));
  });
  test('128 octets are taken', () => expect(utf8(pskIdentity('x'.repeat(119))).length).toBe(128));
});

test.each([
  ['3GPP-AKMA', 'named'],
  ['3GPP-bootstrapping;3GPP-AKMA', 'named'],
  ['3GPP-bootstrapping; 3GPP-AKMA', 'named'],
  [undefined, 'absent'],
  ['', 'absent'],
  ['3gpp-akma', 'other'],
  ['3GPP-AKMA2', 'other'],
  ['3GPP-bootstrapping', 'other'],
])('the hint %j is judged %s', (hint, verdict) => expect(judgeIdentityHint(hint)).toBe(verdict));
