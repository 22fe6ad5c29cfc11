import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { TestClock } from '../gateway/base/test-clock.ts';
import { Aanf } from './aanf.ts';
import { Core } from './core.ts';

const subscriber = {
  supi: '001010123456789',
  rid: '0000',
  mcc: '001',
  mnc: '01',
  ueServiceIds: ['ue-gateway-1@example.com'],
};

test('authenticates when there is no key file, and writes one that only its owner may read', () => {
  const { keyFile, core, aanf } = make();
  core.start();
  const written = JSON.parse(readFileSync(keyFile, 'utf8'));
  expect(statSync(keyFile).mode & 0o777).toBe(0o600);
  expect(written).toMatchObject({ supi: '001010123456789', kAkma: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(written.aKid).toMatch(/^rid0000\.[\w-]{43}@5gc\.mnc001\.mcc001\.3gppnetwork\.org$/);
  expect(Date.parse(written.expiresAt)).toBe(aanf.subscriberOf(written.aKid)!.expiresAtMs);
});

test('goes on with the key that it had', () => {
  const first = make();
  first.core.start();
  const { aKid } = JSON.parse(readFileSync(first.keyFile, 'utf8'));
  const second = make(first.keyFile);
  second.core.start();
  expect(second.aanf.subscriberOf(aKid)).toBeDefined();
});

test('authenticates anew when the key is about to expire', () => {
  const { keyFile, core, aanf, clock } = make();
  const { aKid } = core.authenticate(7_200_000);
  clock.advance(3_600_000);
  core.start();
  expect(aanf.subscriberOf(aKid)).toBeUndefined();
  expect(JSON.parse(readFileSync(keyFile, 'utf8')).aKid).not.toBe(aKid);
});

test('a key file that is none is named in the error', () => {
  const { keyFile, core } = make();
  writeFileSync(keyFile, '{"supi":1}');
  expect(() => core.start()).toThrow(
    expect.objectContaining({ code: 'lab.key-file', message: expect.stringContaining(keyFile) }),
  );
});

function make(keyFile = join(mkdtempSync(join(tmpdir(), 'lab-core-')), 'key.json')) {
  const clock = new TestClock();
  const aanf = new Aanf(clock);
  return { keyFile, clock, aanf, core: new Core(subscriber, keyFile, aanf, clock) };
}
