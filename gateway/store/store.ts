import { closeSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { failureOf, GatewayError } from '../base/errors.ts';
import { errorFacts, type Log } from '../base/log.ts';
import { CommitTimes } from './commit-times.ts';
import { fileFailure } from './file-failure.ts';
import { GroupCommit } from './group-commit.ts';
import { lockDataDirectory, type DirectoryLock } from './lock.ts';
import { MessageOutbox, defaultWindows, type WindowSizes } from './outbox.ts';
import { Outage } from './outage.ts';
import { AuditedRefusals } from './refusals.ts';
import { DeviceRegistry } from './registry.ts';
import { auditOfRow, messageOfRow } from './rows.ts';
import type { SqlRow, SqlValue } from './sql.ts';
import { errorOf } from './sqlite-failure.ts';
import type { QueryName } from './statements.ts';
import type { AuditEvent, AuditRow, Change, CommitResult, Message, Store, StoreStatus } from './types.ts';
import type { Done, Opened } from './writer-messages.ts';
import { WriterThread } from './writer-thread.ts';

export interface StoreOptions {
  /** The database file; its directory is the data directory, which is locked and must exist. */
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly windows?: WindowSizes;
  /** Rows of the audit trail in one table. */
  readonly auditSegmentRows?: number;
  /** Message IDs that are known in memory before they are filed on disk. */
  readonly maxFreshIds?: number;
  /** The most pages of 4 096 octets that the database may take. */
  readonly maxPages?: number;
  /** Changes that may wait for the disk; more are refused with `store.overloaded`. */
  readonly maxWaiting?: number;
  /** The thread's file: another in tests of its death. */
  readonly writer?: URL;
}

/** Ours: about 300 MB of rows, a fair piece to drop or to hand over. */
const defaultAuditSegmentRows = 500_000;
/**
 * Ours: among a hundred thousand messages, IDs filed one by one dirty a page each; ten thousand at once, sorted, a fifth of
 * one. In memory they take about 2 MB, and filing them 15 ms.
 */
const defaultMaxFreshIds = 10_000;
/** Ours: a second and more of the highest load on a disk that takes it; behind it the disk is what is slow. */
const defaultMaxWaiting = 50_000;
const noEarlier = Number.MAX_SAFE_INTEGER;

export function createStore(options: StoreOptions): Store {
  return new SqliteStore(options);
}

/**
 * The event loop's side of the store: `GroupCommit` gathers changes, `WriterThread` takes them to disk, registry and outbox
 * hold in memory what the disk has.
 */
class SqliteStore implements Store {
  readonly registry: DeviceRegistry;
  readonly outbox: MessageOutbox;
  readonly refusals: AuditedRefusals;
  readonly #options: StoreOptions;
  readonly #commits: GroupCommit;
  readonly #times = new CommitTimes();
  readonly #outage: Outage;
  readonly #statusListeners = new Set<(status: StoreStatus) => void>();
  readonly #auditListeners = new Set<(rows: readonly AuditRow[]) => void>();
  #isOpen = false;
  #opening: Promise<void> | undefined;
  #restarting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #lock: DirectoryLock | undefined;
  #writer: WriterThread | undefined;
  #auditSeq = 0;
  #transactions = 0;
  #freshRows: AuditRow[] = [];

  constructor(options: StoreOptions) {
    const { clock, log } = options;
    this.#options = options;
    const disk = {
      commit: (change: Change) => this.commit(change),
      query: (name: QueryName, values: readonly SqlValue[]) => this.#query(name, values),
    };
    this.registry = new DeviceRegistry(disk);
    this.outbox = new MessageOutbox(disk, clock, log, options.windows ?? defaultWindows);
    this.refusals = new AuditedRefusals(change => this.#add(change), clock, log);
    this.#commits = new GroupCommit(
      batch => this.#writer?.run(batch),
      clock,
      durationMs => this.#times.add(durationMs),
    );
    const writeAudit = (audit: readonly AuditEvent[]) => this.#add({ writes: [], audit });
    this.#outage = new Outage(clock, log, writeAudit, () => this.#tell());
  }

  open(): Promise<void> {
    if (this.#closing) return Promise.reject(closed());
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  commit(change: Change): Promise<CommitResult> {
    const { maxWaiting = defaultMaxWaiting } = this.#options;
    if (this.#closing) return Promise.reject(closed());
    if (this.#commits.waiting >= maxWaiting) return Promise.reject(overloaded(this.#commits.waiting));
    return this.#add(change);
  }

  announce(url: string): void {
    try {
      this.#lock?.announce(url);
    } catch (error) {
      this.#options.log.warn('the lock does not tell where this Fieldgate is', errorFacts(error));
    }
  }

  status(): StoreStatus {
    const error = this.#outage.error;
    const { p50Ms, maxMs } = this.#times.summary();
    return {
      state: !this.#isOpen ? 'closed' : error ? 'failed' : 'open',
      ...(error ? { reason: failureOf(error) } : {}),
      commits: this.#times.count,
      transactions: this.#transactions,
      waiting: this.#commits.waiting,
      commitMsP50: p50Ms,
      commitMsMax: maxMs,
      auditSeq: this.#auditSeq,
    };
  }

  onStatus(listener: (status: StoreStatus) => void): () => void {
    this.#statusListeners.add(listener);
    return () => this.#statusListeners.delete(listener);
  }

  async recentAudit(limit: number, before = noEarlier): Promise<readonly AuditRow[]> {
    return (await this.#query('auditRecent', [before, limit])).map(auditOfRow);
  }

  async recentMessages(limit: number, before = noEarlier): Promise<readonly Message[]> {
    return (await this.#query('messagesRecent', [before, limit])).map(messageOfRow);
  }

  onAudit(listener: (rows: readonly AuditRow[]) => void): () => void {
    this.#auditListeners.add(listener);
    return () => this.#auditListeners.delete(listener);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #open(): Promise<void> {
    const { path } = this.#options;
    const lock = lockDataDirectory(dirname(path));
    try {
      makeFile(path);
      const { migratedFrom, version } = await this.#start();
      if (migratedFrom < version)
        this.#options.log.info('the database was brought up', { from: migratedFrom, to: version });
      this.#lock = lock;
      this.#isOpen = true;
      this.#tell();
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  async #close(): Promise<void> {
    await this.#opening?.catch(() => {});
    this.#outage.close();
    await this.#restarting;
    if (!this.#isOpen) return;
    await this.refusals.close();
    // Groups are written in order: when the last is done, all are.
    await this.#add({ writes: [], audit: [] }).catch(() => {});
    this.#isOpen = false;
    await this.#writer?.close();
    this.#writer = undefined;
    this.#lock?.release();
    this.#tell();
  }

  /** A writer, and memory as the disk is. */
  async #start(): Promise<Opened> {
    const { path, maxPages, writer: file } = this.#options;
    const { auditSegmentRows = defaultAuditSegmentRows, maxFreshIds = defaultMaxFreshIds } = this.#options;
    const writer = new WriterThread(
      file ?? new URL('./writer.ts', import.meta.url),
      { path, auditSegmentRows, maxFreshIds, maxPages },
      {
        done: done => this.#done(done),
        failed: failure => this.#failed(errorOf(failure)),
        died: error => this.#died(error),
      },
    );
    const opened = await writer.opened();
    this.#writer = writer;
    this.#auditSeq = opened.auditSeq;
    try {
      await this.registry.load();
      await this.outbox.load();
    } catch (error) {
      this.#writer = undefined;
      await writer.close();
      throw error;
    }
    return opened;
  }

  #add(change: Change): Promise<CommitResult> {
    return this.#writer ? this.#commits.add(change) : Promise.reject(this.#noWriter());
  }

  #query(name: QueryName, values: readonly SqlValue[]): Promise<readonly SqlRow[]> {
    return this.#writer?.query(name, values) ?? Promise.reject(this.#noWriter());
  }

  #noWriter(): GatewayError {
    return (this.#isOpen && this.#outage.error) || closed();
  }

  #done(done: Done): void {
    this.#transactions++;
    this.#auditSeq = done.lastSeq;
    const rows = this.#commits.done(done, this.#auditListeners.size > 0);
    if (rows.length > 0) this.#tellAudit(rows);
    this.#outage.end();
  }

  /** Nothing of the batch in hand is on disk. */
  #failed(error: GatewayError): void {
    this.#outage.failed(error, this.#commits.failed(error), () => this.#outage.end());
  }

  #died(error: GatewayError): void {
    this.#writer = undefined;
    // Then it is for `open` to tell.
    if (!this.#isOpen) return;
    this.#outage.failed(error, this.#commits.abandon(error), () => {
      this.#restarting = this.#start().then(
        () => this.#outage.end(),
        (again: GatewayError) => this.#died(again),
      );
    });
  }

  #tell(): void {
    const status = this.status();
    for (const listener of this.#statusListeners) listener(status);
  }

  #tellAudit(rows: readonly AuditRow[]): void {
    if (this.#freshRows.length === 0) {
      setImmediate(() => {
        const fresh = this.#freshRows;
        this.#freshRows = [];
        for (const listener of this.#auditListeners) listener(fresh);
      });
    }
    this.#freshRows = this.#freshRows.concat(rows);
  }
}

/** SQLite would make it for everyone to read; its log and index files take the mode of this one. */
function makeFile(path: string): void {
  try {
    closeSync(openSync(path, 'a', 0o600));
  } catch (error) {
    throw fileFailure(error, path);
  }
}

function overloaded(waiting: number): GatewayError {
  return new GatewayError('store.overloaded', `${waiting} changes wait for the disk already`, {
    hint: 'the disk is slower than the devices: look for a second writer or a dying disk',
  });
}

function closed(): GatewayError {
  return new GatewayError('store.closed', 'the store is not open');
}
