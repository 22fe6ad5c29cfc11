import { AuditSegments } from './audit-segments.ts';
import { keyOf, type MessageIds } from './message-ids.ts';
import { isOfOneChange, storeFailure } from './sqlite-failure.ts';
import { writeNames, writeStatements } from './statements.ts';
import type { Sql, SqlStatement, SqlValue } from './sql.ts';
import { notApplied, refused, unchanged, type Batch, type Done } from './writer-messages.ts';

interface PreparedWrite {
  readonly statement: SqlStatement;
  readonly inserts: boolean;
}

/** Takes a batch of changes to disk in one transaction. Runs in the writer thread. */
export class Transaction {
  readonly #db: Sql;
  readonly #path: string;
  readonly #audit: AuditSegments;
  readonly #ids: MessageIds;
  readonly #writes: readonly PreparedWrite[];

  constructor(db: Sql, path: string, audit: AuditSegments, ids: MessageIds) {
    this.#db = db;
    this.#path = path;
    this.#audit = audit;
    this.#ids = ids;
    this.#writes = writeNames.map(name => ({
      statement: db.prepare(writeStatements[name]),
      inserts: name === 'messageInsert',
    }));
  }

  /** Everything, or, where one change is at fault by itself, everything but that one. Throws when nothing is on disk. */
  run(batch: Batch): Done {
    try {
      return this.#attempt(batch, false);
    } catch (error) {
      if (!isOfOneChange(error)) throw error;
      return this.#attempt(batch, true);
    }
  }

  #attempt(batch: Batch, oneByOne: boolean): Done {
    const firstSeq = this.#audit.seq + 1;
    const rowIds: number[] = [];
    const errors: { at: number; failure: ReturnType<typeof storeFailure> }[] = [];
    const cursor = { at: 0 };
    try {
      this.#db.exec('BEGIN IMMEDIATE');
      this.#ids.fileWhenMany();
      while (cursor.at < batch.length) {
        if (!oneByOne) {
          rowIds.push(this.#change(batch, cursor));
          continue;
        }
        const next = endOfChange(batch, cursor.at);
        try {
          rowIds.push(this.#savepoint(batch, cursor));
        } catch (error) {
          if (!isOfOneChange(error)) throw error;
          errors.push({ at: rowIds.length, failure: storeFailure(error, this.#path) });
          rowIds.push(refused);
        }
        cursor.at = next;
      }
      this.#db.exec('COMMIT');
    } catch (error) {
      // SQLite rolls back by itself on a full disk and some I/O errors.
      this.#rolledBack();
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
    return { type: 'done', rowIds: Float64Array.from(rowIds), firstSeq, lastSeq: this.#audit.seq, errors };
  }

  #savepoint(batch: Batch, cursor: { at: number }): number {
    this.#db.exec('SAVEPOINT change');
    try {
      return this.#change(batch, cursor);
    } catch (error) {
      if (isOfOneChange(error)) {
        this.#db.exec('ROLLBACK TO change');
        this.#rolledBack();
      }
      throw error;
    } finally {
      if (this.#db.inTransaction) this.#db.exec('RELEASE change');
    }
  }

  #change(batch: Batch, cursor: { at: number }): number {
    const guarded = batch[cursor.at++] === 1;
    const writeCount = batch[cursor.at++] as number;
    const auditCount = batch[cursor.at++] as number;
    let rowId = 0;
    for (let i = 0; i < writeCount; i++) {
      const { statement, inserts } = this.#writes[batch[cursor.at++] as number]!;
      const valueCount = batch[cursor.at++] as number;
      const values = batch.slice(cursor.at, cursor.at + valueCount);
      cursor.at += valueCount;
      const written = inserts ? this.#insert(statement, values) : statement.run(values).changes;
      if (i > 0) continue;
      if (written === 0) rowId = unchanged;
      else if (inserts) rowId = written;
      if (guarded && written === 0) {
        cursor.at = skip(batch, cursor.at, writeCount - 1, auditCount);
        return notApplied;
      }
    }
    for (let i = 0; i < auditCount; i++) this.#audit.append(batch[cursor.at++] as number, batch[cursor.at++] as string);
    return rowId;
  }

  /** @returns the row ID; 0 for a Message ID seen before, when nothing is written */
  #insert(statement: SqlStatement, values: readonly SqlValue[]): number {
    const key = keyOf(values);
    if (this.#ids.has(key)) return 0;
    const rowId = Number(statement.run(values).lastInsertRowid);
    this.#ids.add(key, rowId);
    return rowId;
  }

  #rolledBack(): void {
    this.#audit.rolledBack();
    this.#ids.rolledBack();
  }
}

/** Where the next change begins. */
function endOfChange(batch: Batch, at: number): number {
  return skip(batch, at + 3, batch[at + 1] as number, batch[at + 2] as number);
}

function skip(batch: Batch, from: number, writeCount: number, auditCount: number): number {
  let at = from;
  for (let i = 0; i < writeCount; i++) at += 2 + (batch[at + 1] as number);
  return at + 2 * auditCount;
}
