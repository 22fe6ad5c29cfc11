import type { Clock } from '../base/clock.ts';
import { GatewayError } from '../base/errors.ts';
import { closeAuditBody, openAuditBody } from './audit-body.ts';
import { errorOf } from './sqlite-failure.ts';
import { writeNames, type WriteName } from './statements.ts';
import type { AuditRow, Change, CommitResult } from './types.ts';
import { notApplied, refused, unchanged, type Batch, type Done } from './writer-messages.ts';

/** A change on its way to the disk. */
interface Pending {
  readonly resolve: (result: CommitResult) => void;
  readonly reject: (error: GatewayError) => void;
  readonly atMs: number;
  readonly hasWrites: boolean;
  readonly auditCount: number;
  /** Where its audit rows begin in the batch. */
  readonly auditAt: number;
}

interface Group {
  readonly batch: Batch;
  readonly pending: Pending[];
}

/** More would make single transactions long, and those who wait for them with it. */
const maxGroupChanges = 1_000;

const places = new Map<string, number>(writeNames.map((name: WriteName, place) => [name, place]));

/**
 * Gathers changes while the writer is busy and hands them over as one batch: one transaction and one fsync for all that came
 * meanwhile. The first of a quiet time waits until the end of this turn of the event loop, for what arrives in the same read.
 */
export class GroupCommit {
  readonly #post: (batch: Batch) => void;
  readonly #clock: Clock;
  readonly #settled: (durationMs: number) => void;
  #groups: Group[] = [];
  #handedOver: Group | undefined;
  #isScheduled = false;
  #waiting = 0;

  constructor(post: (batch: Batch) => void, clock: Clock, settled: (durationMs: number) => void) {
    this.#post = post;
    this.#clock = clock;
    this.#settled = settled;
  }

  /** Changes taken and not yet answered. */
  get waiting(): number {
    return this.#waiting;
  }

  add(change: Change): Promise<CommitResult> {
    return new Promise((resolve, reject) => {
      // Both may throw, and must before anything of the change is in the batch.
      const statements = change.writes.map(write => placeOf(write.statement));
      const bodies = change.audit.map(openAuditBody);
      const { batch, pending } = this.#open();
      batch.push(change.guarded ? 1 : 0, statements.length, bodies.length);
      change.writes.forEach((write, i) => batch.push(statements[i]!, write.values.length, ...write.values));
      const auditAt = batch.length;
      change.audit.forEach((event, i) => batch.push(event.atMs, bodies[i]!));
      const atMs = this.#clock.monotonicMs();
      pending.push({ resolve, reject, atMs, hasWrites: statements.length > 0, auditCount: bodies.length, auditAt });
      this.#waiting++;
      this.#schedule();
    });
  }

  /** The writer has the batch on disk. @returns the audit rows it holds now, made only when `wantRows` */
  done(done: Done, wantRows: boolean): AuditRow[] {
    const group = this.#handedOver;
    if (!group) return [];
    this.#handedOver = undefined;
    // The next batch first: the writer works while the promises below are settled.
    this.#handOver();
    const rows: AuditRow[] = [];
    const errors = new Map(done.errors.map(({ at, failure }) => [at, failure]));
    const nowMs = this.#clock.monotonicMs();
    let seq = done.firstSeq;
    group.pending.forEach((one, i) => {
      const rowId = done.rowIds[i]!;
      this.#settled(nowMs - one.atMs);
      this.#waiting--;
      if (rowId === refused) return one.reject(errorOf(errors.get(i)!));
      if (rowId === notApplied) return one.resolve({ applied: false, changed: false, rowId: 0 });
      for (let at = one.auditAt; at < one.auditAt + 2 * one.auditCount; at += 2, seq++) {
        if (wantRows) rows.push(auditRow(seq, group.batch[at] as number, group.batch[at + 1] as string));
      }
      one.resolve({ applied: true, changed: rowId !== unchanged, rowId: Math.max(0, rowId) });
    });
    return rows;
  }

  /** Nothing of the handed-over batch is on disk; the next is tried. @returns how many writing changes were rejected */
  failed(error: GatewayError): number {
    const group = this.#handedOver;
    this.#handedOver = undefined;
    this.#handOver();
    return this.#reject(group ? [group] : [], error);
  }

  /** Nobody will answer any more: rejects everything that waits. @returns how many writing changes */
  abandon(error: GatewayError): number {
    const groups = [...(this.#handedOver ? [this.#handedOver] : []), ...this.#groups];
    this.#handedOver = undefined;
    this.#groups = [];
    return this.#reject(groups, error);
  }

  #reject(groups: readonly Group[], error: GatewayError): number {
    let rejected = 0;
    for (const one of groups.flatMap(({ pending }) => pending)) {
      one.reject(error);
      this.#waiting--;
      if (one.hasWrites) rejected++;
    }
    return rejected;
  }

  #open(): Group {
    const last = this.#groups.at(-1);
    if (last && last.pending.length < maxGroupChanges) return last;
    const group: Group = { batch: [], pending: [] };
    this.#groups.push(group);
    return group;
  }

  #schedule(): void {
    if (this.#handedOver || this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      if (!this.#handedOver) this.#handOver();
    });
  }

  #handOver(): void {
    const group = this.#groups.shift();
    if (!group) return;
    this.#handedOver = group;
    this.#post(group.batch);
  }
}

function placeOf(statement: string): number {
  const place = places.get(statement);
  if (place === undefined) throw new GatewayError('store.refused', `there is no statement "${statement}"`);
  return place;
}

function auditRow(seq: number, atMs: number, openedBody: string): AuditRow {
  return { seq, atMs, body: closeAuditBody(openedBody, seq) };
}
