import { createHmac } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { toHex, utf8 } from '../base/bytes.ts';
import { Secret } from '../base/secret.ts';
import { credentialsUnder, openCredentials } from './credential.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fieldgate-credential-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

// RFC 4231 §4.3, test case 2
test('the hash is HMAC-SHA-256', () => {
  const { hash } = credentialsUnder(new Secret(utf8('Jefe')));
  expect(toHex(hash('what do ya want for nothing?'))).toBe(
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  );
});

test('the right credential matches, a wrong one and an unknown device do not', () => {
  const { hash, matches } = credentialsUnder(new Secret(utf8('key')));
  expect(matches('secret', hash('secret'))).toBe(true);
  expect(matches('Secret', hash('secret'))).toBe(false);
  expect(matches('secret', undefined)).toBe(false);
  expect(matches('secret', new Uint8Array(0))).toBe(false);
});

test('the key is made at first start for its owner alone, and stays', () => {
  const hash = openCredentials(directory).hash('secret');
  const path = join(directory, 'credential.key');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readFileSync(path)).toHaveLength(32);
  expect(openCredentials(directory).hash('secret')).toEqual(hash);
  expect(hash).toEqual(createHmac('sha256', readFileSync(path)).update('secret').digest());
});

test('a key that others may read is refused with what to do', () => {
  openCredentials(directory);
  chmodSync(join(directory, 'credential.key'), 0o640);
  expect(() => openCredentials(directory)).toThrow(
    expect.objectContaining({ code: 'store.credential-key', hint: expect.stringContaining('chmod 600') }),
  );
});

test('a key of another length is refused', () => {
  writeFileSync(join(directory, 'credential.key'), 'short', { mode: 0o600 });
  expect(() => openCredentials(directory)).toThrow(expect.objectContaining({ code: 'store.credential-key' }));
});

test('a directory that is not there is named', () => {
  expect(() => openCredentials(join(directory, 'nowhere'))).toThrow(
    expect.objectContaining({ code: 'store.no-directory' }),
  );
});
