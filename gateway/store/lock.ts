import { linkSync, readFileSync, readlinkSync, renameSync, unlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { GatewayError, codeOf } from '../base/errors.ts';
import { writePrivateFile } from '../base/private-file.ts';
import { fileFailure } from './file-failure.ts';

/** Who has a data directory. */
export interface LockHolder {
  readonly pid: number;
  /** Ticks since boot, field 22 of /proc/<pid>/stat: a process ID alone may be another process by now. */
  readonly startTicks: string;
  /** A new one at each boot of the machine. */
  readonly bootId: string;
  /** Process IDs mean something within one namespace only: a container has its own. */
  readonly pidNamespace: string;
  readonly host: string;
  readonly since: string;
  readonly url?: string;
}

export interface DirectoryLock {
  /** Tells others where the holder can be reached. */
  announce(url: string): void;
  /** May be called twice. */
  release(): void;
}

const fileName = 'fieldgate.lock';

/**
 * Takes a data directory for this process, until it is released or the process is gone.
 * @throws GatewayError `store.locked`, with who has it; `store.permission`, `store.no-directory`, `store.disk-full`
 */
export function lockDataDirectory(directory: string, url?: string): DirectoryLock {
  const path = join(directory, fileName);
  let holder: LockHolder = { ...thisProcess(), since: new Date().toISOString(), ...(url === undefined ? {} : { url }) };
  try {
    take(path, holder);
  } catch (error) {
    throw fileFailure(error, path);
  }
  let isHeld = true;
  return {
    announce(newUrl) {
      if (!isHeld) return;
      holder = { ...holder, url: newUrl };
      renameSync(draft(path, holder), path);
    },
    release() {
      if (isHeld && isMine(read(path), holder)) unlinkSync(path);
      isHeld = false;
    },
  };
}

/** Who has a data directory now, without taking it; undefined when nobody has, or whoever had it is gone. */
export function lockHolder(directory: string): LockHolder | undefined {
  const holder = read(join(directory, fileName));
  const self = { ...thisProcess(), since: '' };
  return holder && isAlive(holder, self) ? holder : undefined;
}

/** @throws GatewayError `store.locked` when another process has the data directory now */
export function refuseIfLocked(directory: string): void {
  const holder = lockHolder(directory);
  if (holder) throw locked(join(directory, fileName), holder, { ...thisProcess(), since: '' });
}

/** Two tries: a stale lock is put aside after the first. */
function take(path: string, holder: LockHolder): void {
  const mine = draft(path, holder);
  try {
    if (tryLink(mine, path)) return;
    const other = read(path);
    if (other && isAlive(other, holder)) throw locked(path, other, holder);
    putAside(path, other);
    if (!tryLink(mine, path)) throw locked(path, read(path), holder);
  } finally {
    unlinkSync(mine);
  }
}

/** A link appears with its whole content, or not at all. */
function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Another starter may have put the stale lock aside and taken its own meanwhile: then that one goes back. */
function putAside(path: string, stale: LockHolder | undefined): void {
  const aside = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  if (JSON.stringify(read(aside)) !== JSON.stringify(stale)) tryLink(aside, path);
  unlinkSync(aside);
}

function isMine(found: LockHolder | undefined, mine: LockHolder): boolean {
  return found?.pid === mine.pid && found.since === mine.since;
}

function isAlive(holder: LockHolder, self: LockHolder): boolean {
  // Of another machine or container nothing can be told from here: better to ask than to write into the same file twice.
  if (holder.host !== self.host) return true;
  if (holder.bootId !== self.bootId) return false;
  if (holder.pidNamespace !== self.pidNamespace) return true;
  return startTicksOf(holder.pid) === holder.startTicks;
}

function locked(path: string, holder: LockHolder | undefined, self: LockHolder): GatewayError {
  if (!holder)
    return new GatewayError('store.locked', `another Fieldgate is taking ${path} at this moment`, {
      hint: 'try again in a moment',
    });
  const at = holder.url ? ` at ${holder.url}` : '';
  const who = `process ${holder.pid} on ${holder.host}, since ${holder.since}${at}`;
  const isElsewhere = holder.host !== self.host || holder.pidNamespace !== self.pidNamespace;
  return new GatewayError('store.locked', `the data directory is in use by ${who}`, {
    hint: isElsewhere
      ? `if that Fieldgate is gone for certain, remove ${path}`
      : 'use the Fieldgate that runs, stop it, or give another data directory with --data',
  });
}

function thisProcess(): Omit<LockHolder, 'since'> {
  return {
    pid: process.pid,
    startTicks: startTicksOf(process.pid) ?? '',
    bootId: orNothing(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()) ?? '',
    pidNamespace: orNothing(() => readlinkSync('/proc/self/ns/pid')) ?? '',
    host: hostname(),
  };
}

/** Undefined when there is no such process. The name in field 2 may hold spaces and brackets, so count from its end. */
function startTicksOf(pid: number): string | undefined {
  const stat = orNothing(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

/** A file beside the lock with what shall be in it, on disk. */
function draft(path: string, holder: LockHolder): string {
  const name = `${path}.${process.pid}.new`;
  writePrivateFile(name, `${JSON.stringify(holder)}\n`);
  return name;
}

/** Undefined when there is none, or it is torn: a crash may leave it so, and then nobody has it. */
function read(path: string): LockHolder | undefined {
  return orNothing(() => JSON.parse(readFileSync(path, 'utf8')) as LockHolder);
}

function orNothing<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}
