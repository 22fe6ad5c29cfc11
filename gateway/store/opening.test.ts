import { DatabaseSync } from 'node:sqlite';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { silentLog } from '../base/log.ts';
import { TestClock } from '../base/test-clock.ts';
import { applicationId, newestVersion } from './migrations.ts';
import { createStore } from './store.ts';
import { aMessage, anEvent, openTestStore } from './test-store.ts';

const root = mkdtempSync(join(tmpdir(), 'fieldgate-opening-'));
afterAll(() => rmSync(root, { recursive: true }));

let made = 0;
function newDirectory(): string {
  const directory = join(root, String(++made));
  mkdirSync(directory);
  return directory;
}

function open(path: string): Promise<void> {
  return createStore({ path, clock: new TestClock(), log: silentLog }).open();
}

function database(path: string, sql: string): void {
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
}

test('a new database is ours, vacuums in steps, writes ahead, and has the newest version', async () => {
  await using disk = await openTestStore();
  const db = new DatabaseSync(disk.path, { readOnly: true });
  const pragma = (name: string) => Object.values(db.prepare(`PRAGMA ${name}`).get()!)[0];
  expect(pragma('application_id')).toBe(applicationId);
  expect(pragma('auto_vacuum')).toBe(2);
  expect(pragma('journal_mode')).toBe('wal');
  expect(pragma('user_version')).toBe(newestVersion());
  expect(pragma('integrity_check')).toBe('ok');
  db.close();
});

test('a database of a newer version is refused with both versions, and not touched', async () => {
  const path = join(newDirectory(), 'fieldgate.db');
  database(path, `PRAGMA application_id = ${applicationId}; PRAGMA user_version = 99; CREATE TABLE later (x)`);
  await expect(open(path)).rejects.toMatchObject({
    code: 'store.newer',
    message: expect.stringMatching(new RegExp(`version 99, .* up to ${newestVersion()}`)),
    hint: expect.stringContaining('newer Fieldgate'),
  });
  const db = new DatabaseSync(path, { readOnly: true });
  expect(db.prepare('PRAGMA user_version').get()).toEqual({ user_version: 99 });
  db.close();
});

test('the database of another program is refused', async () => {
  const path = join(newDirectory(), 'fieldgate.db');
  database(path, 'CREATE TABLE contacts (name)');
  await expect(open(path)).rejects.toMatchObject({ code: 'store.not-ours' });
});

test('a file that is no database is refused', async () => {
  const path = join(newDirectory(), 'fieldgate.db');
  writeFileSync(path, 'Dear diary, '.repeat(1_000));
  await expect(open(path)).rejects.toMatchObject({ code: 'store.not-ours', hint: expect.stringContaining('--data') });
});

test('a torn file is refused as damaged', async () => {
  await using disk = await openTestStore();
  await Promise.all(
    Array.from({ length: 300 }, (_, i) =>
      disk.store.outbox.add(aMessage({ messageId: `m${i}` }), [anEvent('message.received')]),
    ),
  );
  await disk.store.close();
  const path = join(newDirectory(), 'fieldgate.db');
  copyFileSync(disk.path, path);
  truncateSync(path, Math.floor(statSync(path).size / 4_096 / 2) * 4_096);
  await expect(open(path)).rejects.toMatchObject({ code: 'store.damaged', hint: expect.stringContaining('backup') });
});

test('a directory that is not there is named', async () => {
  await expect(open(join(root, 'nowhere', 'fieldgate.db'))).rejects.toMatchObject({
    code: 'store.no-directory',
    message: expect.stringContaining('nowhere'),
  });
});

test('a place where nothing can be made is refused as not permitted', async () => {
  // procfs refuses new files to everybody, root included.
  await expect(open('/proc/sys/fieldgate.db')).rejects.toMatchObject({
    code: expect.stringMatching(/^store\.(permission|no-directory)$/),
  });
});

test('a second store on the same directory is told who has it, and gets it afterwards', async () => {
  await using disk = await openTestStore();
  disk.store.announce('http://127.0.0.1:7420/');
  await expect(open(disk.path)).rejects.toMatchObject({
    code: 'store.locked',
    message: expect.stringMatching(new RegExp(`process ${process.pid} on .* at http://127.0.0.1:7420/`)),
  });
  await using again = await disk.reopen();
  expect(again.store.status().state).toBe('open');
});

test('a store that is closed while it opens leaves nothing behind', async () => {
  const path = join(newDirectory(), 'fieldgate.db');
  const store = createStore({ path, clock: new TestClock(), log: silentLog });
  const opened = store.open();
  await store.close();
  await opened;
  expect(store.status().state).toBe('closed');
  await expect(store.recentAudit(1)).rejects.toMatchObject({ code: 'store.closed' });
  const again = createStore({ path, clock: new TestClock(), log: silentLog });
  await again.open();
  await again.close();
});

test('a store that could not open leaves no lock behind', async () => {
  const path = join(newDirectory(), 'fieldgate.db');
  database(path, 'CREATE TABLE contacts (name)');
  await expect(open(path)).rejects.toMatchObject({ code: 'store.not-ours' });
  rmSync(path);
  const store = createStore({ path, clock: new TestClock(), log: silentLog });
  await store.open();
  await store.close();
});

test('a message ID stays known after a restart', async () => {
  await using disk = await openTestStore();
  await disk.store.outbox.add(aMessage(), []);
  await using again = await disk.reopen();
  expect(await again.store.outbox.add(aMessage(), [])).toMatchObject({ applied: false, rowId: 0 });
});
