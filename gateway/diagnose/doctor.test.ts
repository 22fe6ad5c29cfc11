import { createSocket } from 'node:dgram';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { newestVersion } from '../store/migrations.ts';
import { openTestStore } from '../store/test-store.ts';
import { checkData, checkKey, checkNode, checkPorts, checkSerial } from './checks.ts';
import { examine, report } from './doctor.ts';

const folder = mkdtempSync(join(tmpdir(), 'fieldgate-doctor-'));
afterAll(() => rmSync(folder, { recursive: true }));

const config = { listen: '127.0.0.1:0', deviceListen: '127.0.0.1:0', serial: [] };

test('a machine on which nothing is in the way is told so', async () => {
  const findings = await examine(join(folder, 'not-there-yet'), config);
  expect(findings.filter(finding => finding.level === 'FAIL')).toEqual([]);
  expect(report(findings)).toMatch(/addon +loaded, OpenSSL 3/);
  expect(report(findings)).toMatch(/Nothing is in the way\.$/);
});

test('an older Node is named, with what to start instead', () => {
  expect(checkNode('20.20.2')).toMatchObject({
    level: 'FAIL',
    sentence: expect.stringContaining('20.20.2'),
    hint: expect.stringContaining('bin/fieldgate.mjs'),
  });
});

test('a data directory in use tells who has it, and its database is read without taking the lock', async () => {
  await using disk = await openTestStore();
  disk.store.announce('http://127.0.0.1:1/');
  const findings = checkData(disk.directory);
  expect(findings.find(finding => finding.what === 'lock')).toMatchObject({
    level: 'note',
    sentence: expect.stringMatching(new RegExp(`process ${process.pid} .* at http://127.0.0.1:1/`)),
  });
  expect(findings.find(finding => finding.what === 'database')).toMatchObject({
    level: 'ok',
    sentence: `version ${newestVersion()}`,
  });
});

test.each([
  ['no database at all', Buffer.from('hello'), 'not a SQLite file'],
  ["another program's", header({ applicationId: 0x12345678, version: 1 }), 'belongs to another program'],
  ['a newer one', header({ applicationId: 0x46474154, version: 99 }), 'newer than this program'],
])('a database file that is %s is named', (name, octets, words) => {
  const directory = join(folder, name);
  mkdirSync(directory);
  writeFileSync(join(directory, 'fieldgate.db'), octets);
  const finding = checkData(directory).find(each => each.what === 'database')!;
  expect(finding.level).toBe('FAIL');
  expect(finding.sentence).toContain(words);
});

test('a database file that ends too early is named', async () => {
  const disk = await openTestStore();
  await disk.store.close();
  const path = join(disk.directory, 'fieldgate.db');
  truncateSync(path, 4_096);
  expect(checkData(disk.directory).find(each => each.what === 'database')).toMatchObject({
    level: 'FAIL',
    sentence: `${path} is damaged: it ends too early`,
  });
  await disk[Symbol.asyncDispose]();
});

test('a key of the credentials that would keep the gateway from starting is named', () => {
  const directory = join(folder, 'short key');
  mkdirSync(directory);
  writeFileSync(join(directory, 'credential.key'), 'x', { mode: 0o600 });
  expect(checkData(directory).find(each => each.what === 'credentials')).toMatchObject({ level: 'FAIL' });
});

test('ports that another program has are named, and are as they should be while the gateway runs', async () => {
  const tcp = createServer().listen(0, '127.0.0.1');
  const udp = createSocket('udp4').bind(0, '127.0.0.1');
  onTestFinished(() => void (tcp.close(), udp.close()));
  await Promise.all([
    new Promise(resolve => tcp.once('listening', resolve)),
    new Promise(resolve => udp.once('listening', resolve)),
  ]);
  const taken = {
    ...config,
    listen: `127.0.0.1:${(tcp.address() as AddressInfo).port}`,
    deviceListen: `127.0.0.1:${udp.address().port}`,
  };
  const levels = async (isRunning: boolean): Promise<string[]> =>
    (await checkPorts(taken, isRunning)).map(finding => finding.level);
  expect(await levels(false)).toEqual(['FAIL', 'FAIL']);
  expect(await levels(true)).toEqual(['ok', 'ok']);
});

test('a key file that others may read, that is missing or expired, is named', async () => {
  const path = join(folder, 'key.json');
  const key = {
    supi: '001010123456789',
    aKid: 'rid0.x@5gc.mnc001.mcc001.3gppnetwork.org',
    kAkma: '00'.repeat(32),
    expiresAt: '2020-01-01T00:00:00Z',
  };
  const check = async () => (await checkKey({ ...config, akma: { keyFile: path } }))[0];
  expect(await check()).toMatchObject({ level: 'FAIL' });
  writeFileSync(path, JSON.stringify(key), { mode: 0o644 });
  chmodSync(path, 0o644);
  expect((await check()).hint).toContain('chmod');
  chmodSync(path, 0o600);
  expect(await check()).toMatchObject({ level: 'FAIL', sentence: expect.stringContaining('expired at 2020-01-01') });
  writeFileSync(path, JSON.stringify({ ...key, expiresAt: '2999-01-01T00:00:00Z' }));
  expect(await check()).toMatchObject({ level: 'ok', sentence: expect.not.stringContaining('00000000') });
});

test('a serial path that is not there is named', () => {
  const [finding] = checkSerial({ ...config, serial: [{ id: 'meters', path: join(folder, 'ttyNone') }] });
  expect(finding).toMatchObject({ level: 'FAIL', what: 'serial meters' });
});

/** The first 100 octets of a database, as far as they are looked at. */
function header({ applicationId, version }: { applicationId: number; version: number }): Buffer {
  const octets = Buffer.alloc(100);
  octets.write('SQLite format 3\0', 'latin1');
  octets.writeUInt32BE(version, 60);
  octets.writeUInt32BE(applicationId, 68);
  return octets;
}
