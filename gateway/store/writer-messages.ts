import type { Failure } from '../base/errors.ts';
import type { QueryName } from './statements.ts';
import type { SqlRow, SqlValue } from './sql.ts';

/** What crosses between the store and its writer thread: both ends in one file. Errors cross as data: structured clone keeps no `code`. */

export interface WriterOptions {
  readonly path: string;
  /** Rows of the audit trail in one table; retention drops a whole one. */
  readonly auditSegmentRows: number;
  /** Message IDs known in memory before they are filed; see `MessageIds`. */
  readonly maxFreshIds: number;
  /** Most pages (4 096 octets) the database may take; none when undefined. */
  readonly maxPages?: number;
}

/**
 * The changes of one transaction in one flat array, in order. Each change is `guarded` (0, 1), the number of writes, the number
 * of audit rows; each write is its statement's place in `writeNames`, the number of values, the values; each audit
 * row is its time and its opened body.
 * Flat, because structured clone of nested objects took 3.9 us a change on the event loop, of one flat array 1.1 us, and
 * JSON 5 us or more.
 */
export type Batch = SqlValue[];

export type ToWriter =
  | { readonly type: 'batch'; readonly batch: Batch }
  | { readonly type: 'query'; readonly id: number; readonly name: QueryName; readonly values: readonly SqlValue[] }
  | { readonly type: 'close' };

/** In `Done.rowIds`: not applied, refused with an error of its own, and applied though its first write found no row. */
export const notApplied = -1;
export const refused = -2;
export const unchanged = -3;

export interface Opened {
  readonly type: 'opened';
  readonly version: number;
  /** The version it had; 0 for a new database. */
  readonly migratedFrom: number;
  readonly auditSeq: number;
}

/** A transaction is on disk. */
export interface Done {
  readonly type: 'done';
  /** For each change the row ID its first write inserted (0 for none), `notApplied`, `refused` or `unchanged`. */
  readonly rowIds: Float64Array;
  /** Of the first audit row; the rows of applied changes follow in order without gaps. */
  readonly firstSeq: number;
  /** The newest of the trail now. */
  readonly lastSeq: number;
  /** Errors of the refused ones, by place. */
  readonly errors: readonly { readonly at: number; readonly failure: Failure }[];
}

export type FromWriter =
  | Opened
  | Done
  | { readonly type: 'not-opened'; readonly failure: Failure }
  /** Nothing of the batch is on disk. */
  | { readonly type: 'failed'; readonly failure: Failure }
  | { readonly type: 'rows'; readonly id: number; readonly rows: readonly SqlRow[] }
  | { readonly type: 'query-failed'; readonly id: number; readonly failure: Failure }
  | { readonly type: 'closed' };
