import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockDataDirectory, type LockHolder } from './lock.ts';

let directory = '';
let path = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fieldgate-lock-'));
  path = join(directory, 'fieldgate.lock');
});
afterEach(() => rmSync(directory, { recursive: true }));

/** What this process writes, changed. */
function leaveLock(change: Partial<LockHolder>): void {
  const lock = lockDataDirectory(directory);
  const holder = JSON.parse(readFileSync(path, 'utf8')) as LockHolder;
  lock.release();
  writeFileSync(path, JSON.stringify({ ...holder, ...change }));
}

test('a second taker is told who has it, since when and where', () => {
  const lock = lockDataDirectory(directory, 'http://127.0.0.1:7420/');
  const { since, host } = JSON.parse(readFileSync(path, 'utf8')) as LockHolder;
  expect(() => lockDataDirectory(directory)).toThrow(
    expect.objectContaining({
      code: 'store.locked',
      message: `the data directory is in use by process ${process.pid} on ${host}, since ${since} at http://127.0.0.1:7420/`,
    }),
  );
  lock.release();
});

test('it is free after release, which may be called twice and takes nobody else’s', () => {
  const first = lockDataDirectory(directory);
  first.release();
  expect(readdirSync(directory)).toEqual([]);
  const second = lockDataDirectory(directory);
  first.release();
  expect(statSync(path).mode & 0o777).toBe(0o600);
  second.release();
});

test('the lock of a process that was killed is taken over', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
  leaveLock({ pid: child.pid!, startTicks: stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]! });
  expect(() => lockDataDirectory(directory)).toThrow(expect.objectContaining({ code: 'store.locked' }));
  child.kill('SIGKILL');
  await once(child, 'exit');
  lockDataDirectory(directory).release();
  expect(readdirSync(directory)).toEqual([]);
});

test('a process ID that belongs to another process by now does not hold it', () => {
  leaveLock({ startTicks: '1' });
  lockDataDirectory(directory).release();
});

test('a lock from before the machine started again does not hold', () => {
  leaveLock({ bootId: 'another boot' });
  lockDataDirectory(directory).release();
});

test('of a holder on another machine or in another container nothing can be told, so it is respected', () => {
  for (const elsewhere of [{ host: 'other-host' }, { pidNamespace: 'pid:[1]' }]) {
    leaveLock(elsewhere);
    expect(() => lockDataDirectory(directory)).toThrow(
      expect.objectContaining({ code: 'store.locked', hint: expect.stringContaining(`remove ${path}`) }),
    );
    rmSync(path);
  }
});

test('a torn lock file holds nobody out', () => {
  writeFileSync(path, '{"pid":');
  lockDataDirectory(directory).release();
});
