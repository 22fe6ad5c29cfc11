import { closeAuditBody } from './audit-body.ts';
import type { Sql, SqlRow, SqlStatement } from './sql.ts';

/**
 * The audit trail on disk: tables `audit_0001`, `audit_0002` ... listed in `audit_segments`, so that retention can drop one
 * whole while triggers refuse to change or delete a row. Runs in the writer thread, inside its transaction.
 */
export class AuditSegments {
  readonly #db: Sql;
  readonly #segmentRows: number;
  #segment = 0;
  #firstSeq = 1;
  #seq = 0;
  #insert: SqlStatement | undefined;
  #isStale = true;

  constructor(db: Sql, segmentRows: number) {
    this.#db = db;
    this.#segmentRows = segmentRows;
  }

  /** The newest sequence number. */
  get seq(): number {
    if (this.#isStale) this.#load();
    return this.#seq;
  }

  /** After a rollback: where the trail ends is read anew at the next use, which may be after the disk has recovered. */
  rolledBack(): void {
    this.#isStale = true;
  }

  append(atMs: number, openedBody: string): void {
    const seq = this.seq + 1;
    if (!this.#insert || seq - this.#firstSeq >= this.#segmentRows) this.#insert = this.#begin(this.#segment + 1, seq);
    this.#insert.run([seq, atMs, closeAuditBody(openedBody, seq)]);
    this.#seq = seq;
  }

  /** Newest first, older than `before`, over as many segments as it takes. */
  recent(before: number, limit: number): SqlRow[] {
    const rows: SqlRow[] = [];
    const segments = this.#db
      .prepare('SELECT segment FROM audit_segments WHERE first_seq < ? ORDER BY segment DESC')
      .all([before]) as { segment: number }[];
    for (const { segment } of segments) {
      if (rows.length >= limit) break;
      const part = this.#db.prepare(
        `SELECT seq, at_ms, body FROM ${tableOf(segment)} WHERE seq < ? ORDER BY seq DESC LIMIT ?`,
      );
      rows.push(...(part.all([before, limit - rows.length]) as SqlRow[]));
    }
    return rows;
  }

  #load(): void {
    const last = this.#db
      .prepare('SELECT segment, first_seq FROM audit_segments ORDER BY segment DESC LIMIT 1')
      .get([]) as { segment: number; first_seq: number } | undefined;
    this.#segment = last?.segment ?? 0;
    this.#firstSeq = last?.first_seq ?? 1;
    this.#insert = last && this.#db.prepare(insertInto(last.segment));
    const newest =
      last &&
      (this.#db.prepare(`SELECT max(seq) AS seq FROM ${tableOf(last.segment)}`).get([]) as { seq: number | null });
    this.#seq = newest?.seq ?? this.#firstSeq - 1;
    this.#isStale = false;
  }

  #begin(segment: number, firstSeq: number): SqlStatement {
    const table = tableOf(segment);
    this.#db.exec(`
      CREATE TABLE ${table} (seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
      CREATE TRIGGER ${table}_no_update BEFORE UPDATE ON ${table} BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
      CREATE TRIGGER ${table}_no_delete BEFORE DELETE ON ${table} BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;`);
    this.#db.prepare('INSERT INTO audit_segments (segment, first_seq) VALUES (?, ?)').run([segment, firstSeq]);
    this.#segment = segment;
    this.#firstSeq = firstSeq;
    return this.#db.prepare(insertInto(segment));
  }
}

function tableOf(segment: number): string {
  return `audit_${String(segment).padStart(4, '0')}`;
}

function insertInto(segment: number): string {
  return `INSERT INTO ${tableOf(segment)} (seq, at_ms, body) VALUES (?, ?, ?)`;
}
