import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { toHex } from '../base/bytes.ts';
import { TestClock } from '../base/test-clock.ts';
import { uaStarIdOfSuite } from './akma.ts';
import { FileKeySource } from './file-key-source.ts';

// akma-vectors.json, V1 and V2
const good = {
  supi: '001010123456789',
  aKid: 'rid0000.LLF042GWKhalxJDZ7f3hPdXyYg4haZGDNH2aTBTKKRA@5gc.mnc001.mcc001.3gppnetwork.org',
  kAkma: '331ea0632c0627296e0a424393dd78d301d87892645e750c1fe312a5d0b10204',
  expiresAt: '2026-12-31T00:00:00Z',
};
const kAfC0a8 = 'd1d1a54e1a1d5634ffb5234b1b98b17f87903f269b447d0c962bc1698397c8d5';
const kAf00a8 = '7d4dccbad60bf9c7d317461f10f02acb5af0c2f9d90aab87d55faa03d919e989';

let directory: string;
let path: string;
let clock: TestClock;
let source: FileKeySource;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'key-'));
  path = join(directory, 'key.json');
  clock = new TestClock(Date.UTC(2026, 10, 21));
  source = new FileKeySource({ path, clock });
});
afterEach(() => rmSync(directory, { recursive: true }));

function provision(document: unknown, mode = 0o600): void {
  writeFileSync(path, typeof document === 'string' ? document : JSON.stringify(document));
  chmodSync(path, mode);
}

const ask = () => source.kAf('msgin5g.example.com', uaStarIdOfSuite(0xc0a8));

test('gives the A-KID as provisioned and K_AF for each suite', async () => {
  provision(good);
  expect(await source.aKid()).toBe(good.aKid);
  const { kAf, expiresAtMs } = await ask();
  expect(toHex(kAf.reveal())).toBe(kAfC0a8);
  expect(expiresAtMs).toBe(Date.UTC(2026, 11, 31));
  expect(toHex((await source.kAf('msgin5g.example.com', uaStarIdOfSuite(0x00a8))).kAf.reveal())).toBe(kAf00a8);
});

test('makes the A-KID from its parts when it did not come complete', async () => {
  const aTid = '2cb174e361962a16a5c490d9edfde13dd5f2620e21699183347d9a4c14ca2910';
  const aKidParts = { rid: '0000', aTid, mcc: '001', mnc: '01' };
  provision({ ...good, aKid: undefined, aKidParts });
  expect(await source.aKid()).toBe(good.aKid);
  provision({ ...good, aKid: undefined, aKidParts: { ...aKidParts, strategy: 'hexThenRid' } });
  expect(await source.aKid()).toBe(`${aTid}0000@5gc.mnc001.mcc001.3gppnetwork.org`);
});

test('a complete A-KID wins, octet for octet', async () => {
  const aKid = 'Any Thing@Operator.Example';
  provision({ ...good, aKid, aKidParts: { rid: '0', aTid: '00'.repeat(32), mcc: '001', mnc: '01' } });
  expect(await source.aKid()).toBe(aKid);
});

test('reads the file anew at every question', async () => {
  provision(good);
  await source.aKid();
  provision({ ...good, aKid: 'renewed@5gc.mnc001.mcc001.3gppnetwork.org' });
  expect(await source.aKid()).toBe('renewed@5gc.mnc001.mcc001.3gppnetwork.org');
});

test('the key does not show', async () => {
  provision(good);
  const key = await ask();
  expect(`${JSON.stringify(key)} ${inspect(key, { depth: 9, showHidden: true })}`).not.toContain(kAfC0a8.slice(0, 8));
});

test('a missing file is no key, and the sentence says which file', async () => {
  await expect(source.aKid()).rejects.toMatchObject({ code: 'akma.no-key', message: expect.stringContaining(path) });
});

test.each([0o640, 0o604, 0o660, 0o610])('mode %o is refused with the command that mends it', async mode => {
  provision(good, mode);
  await expect(ask()).rejects.toMatchObject({ code: 'akma.key-file-mode', hint: `chmod 600 ${path}` });
});

test('an expired key is refused with the time when it ended', async () => {
  provision(good);
  clock.advance(Date.UTC(2026, 11, 31) - clock.wallMs() - 1);
  await ask();
  clock.advance(1);
  await expect(ask()).rejects.toMatchObject({
    code: 'akma.expired',
    message: expect.stringContaining('2026-12-31T00:00:00.000Z'),
  });
});

test('a named pipe or a directory is refused at once', async () => {
  execFileSync('mkfifo', ['-m', '600', path]);
  await expect(ask()).rejects.toMatchObject({ code: 'akma.key-file' });
  source = new FileKeySource({ path: directory, clock });
  await expect(ask()).rejects.toMatchObject({ code: 'akma.key-file' });
});

describe('a malformed file names what is wrong and never what is in it', () => {
  const digits = good.kAkma.slice(0, 32);
  test.each([
    ['not JSON', `{"kAkma":"${digits}`, 'not JSON'],
    ['not UTF-8 text', 'ÿ'.repeat(40_000), 'octets'],
    ['not an object', `"${digits}"`, 'the document'],
    ['a short key', { ...good, kAkma: digits }, 'kAkma'],
    ['a key that is a number', { ...good, kAkma: 3 }, 'kAkma'],
    ['a SUPI with imsi-', { ...good, supi: 'imsi-001010123456789' }, 'supi'],
    ['no A-KID', { ...good, aKid: undefined }, 'aKid'],
    ['an empty A-KID', { ...good, aKid: '' }, 'aKid'],
    [
      'a wrong part',
      { ...good, aKid: undefined, aKidParts: { rid: 'x', aTid: good.kAkma, mcc: '001', mnc: '01' } },
      'aKidParts.rid',
    ],
    ['no expiry', { ...good, expiresAt: undefined }, 'expiresAt'],
    ['an expiry that is no time', { ...good, expiresAt: 'tomorrow' }, 'expiresAt'],
  ])('%s', async (_what, document, named) => {
    provision(document);
    const error = await ask().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: 'akma.key-file', message: expect.stringContaining(named) });
    expect((error as Error).message).toContain(path);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(digits.slice(0, 8));
  });
});
