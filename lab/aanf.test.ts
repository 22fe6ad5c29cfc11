import { expect, test } from 'vitest';
import { hex, toHex } from '../gateway/base/bytes.ts';
import { Secret } from '../gateway/base/secret.ts';
import { TestClock } from '../gateway/base/test-clock.ts';
import { Aanf } from './aanf.ts';

// V1 of test/vectors/akma-vectors.json
const aKid = 'rid0000.LLF042GWKhalxJDZ7f3hPdXyYg4haZGDNH2aTBTKKRA@5gc.mnc001.mcc001.3gppnetwork.org';
const supi = '001010123456789';
const kAkma = new Secret(hex('331ea0632c0627296e0a424393dd78d301d87892645e750c1fe312a5d0b10204'));
const afId = hex('6d7367696e35672e6578616d706c652e636f6d010001c0a8');

test('answers an A-KID with K_AF, its subscriber and its expiry', () => {
  const { aanf, expiresAtMs } = make();
  const key = aanf.applicationKey(aKid, afId);
  expect(toHex(key!.kAf.reveal())).toBe('d1d1a54e1a1d5634ffb5234b1b98b17f87903f269b447d0c962bc1698397c8d5');
  expect(key).toMatchObject({ supi, expiresAtMs });
});

test('an A-KID is matched octet for octet', () => {
  expect(make().aanf.applicationKey(aKid.toLowerCase(), afId)).toBeUndefined();
});

test('nothing is answered from the moment of expiry', () => {
  const { aanf, clock } = make();
  clock.advance(9_999);
  expect(aanf.subscriberOf(aKid)).toBeDefined();
  clock.advance(1);
  expect(aanf.applicationKey(aKid, afId)).toBeUndefined();
  expect(aanf.subscriberOf(aKid)).toBeUndefined();
});

test('a new anchor key takes the place of the subscriber’s old one', () => {
  const { aanf, expiresAtMs } = make();
  aanf.registerAnchorKey({ supi, aKid: 'rid0000.new@x', kAkma, expiresAtMs });
  expect(aanf.subscriberOf(aKid)).toBeUndefined();
  expect(aanf.subscriberOf('rid0000.new@x')).toBeDefined();
});

test('a removed context is gone', () => {
  const { aanf } = make();
  aanf.removeContext(supi);
  expect(aanf.applicationKey(aKid, afId)).toBeUndefined();
});

function make() {
  const clock = new TestClock();
  const aanf = new Aanf(clock);
  const expiresAtMs = clock.wallMs() + 10_000;
  aanf.registerAnchorKey({ supi, aKid, kAkma, expiresAtMs });
  return { aanf, clock, expiresAtMs };
}
