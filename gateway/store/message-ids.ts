import type { Sql, SqlRow, SqlStatement, SqlValue } from './sql.ts';

/** A Message ID and whose it is: direction, kind, Message ID, originator, in this order. */
export type MessageKey = readonly SqlValue[];

/** The key of a message, of the values of `messageInsert`. */
export function keyOf(values: readonly SqlValue[]): MessageKey {
  return values.slice(0, 4);
}

/**
 * Which Message IDs are on disk, so that none is taken twice. Runs in the writer thread, inside its transaction.
 *
 * Every ID is in the row of its message. `message_ids` finds it by its key, for the rows up to a watermark; those above it,
 * a few thousand, are known in memory, and are filed all at once in some later transaction. Memory is read anew from the
 * rows above the watermark after a start and after a rollback, so that a crash at any moment costs nothing.
 */
export class MessageIds {
  readonly #db: Sql;
  readonly #maxFresh: number;
  readonly #filed: SqlStatement;
  readonly #message: SqlStatement;
  /** Row IDs of the messages above the watermark. */
  readonly #fresh = new Map<string, number>();
  #isStale = true;

  /** @param maxFresh how many are known in memory before they are filed */
  constructor(db: Sql, maxFresh: number) {
    this.#db = db;
    this.#maxFresh = maxFresh;
    this.#filed = db.prepare(`
      SELECT row_id FROM message_ids WHERE direction = ? AND kind = ? AND message_id = ? AND originator = ?`);
    this.#message = db.prepare('SELECT * FROM messages WHERE row_id = ?');
  }

  has(key: MessageKey): boolean {
    return this.#rowIdOf(key) !== undefined;
  }

  /** The row with this key was written. */
  add(key: MessageKey, rowId: number): void {
    if (!this.#isStale) this.#fresh.set(textOf(key), rowId);
  }

  /** The message with this key: one row or none. */
  find(key: MessageKey): SqlRow[] {
    const rowId = this.#rowIdOf(key);
    return rowId === undefined ? [] : (this.#message.all([rowId]) as SqlRow[]);
  }

  /** After a rollback memory may hold what the disk does not. */
  rolledBack(): void {
    this.#isStale = true;
  }

  /** Files what memory holds, when that is much. Belongs to the transaction in hand. */
  fileWhenMany(): void {
    if (this.#isStale) this.#load();
    if (this.#fresh.size < this.#maxFresh) return;
    this.#db.exec(`
      INSERT INTO message_ids
      SELECT originator, message_id, direction, kind, row_id FROM messages
      WHERE row_id > (SELECT up_to FROM message_ids_filed)
      ORDER BY originator, message_id, direction, kind
      ON CONFLICT DO NOTHING;
      UPDATE message_ids_filed SET up_to = (SELECT max(row_id) FROM messages);`);
    this.#fresh.clear();
  }

  #rowIdOf(key: MessageKey): number | undefined {
    if (this.#isStale) this.#load();
    return this.#fresh.get(textOf(key)) ?? (this.#filed.get(key) as { row_id: number } | undefined)?.row_id;
  }

  #load(): void {
    const rows = this.#db
      .prepare(
        `SELECT row_id, direction, kind, message_id, originator FROM messages
         WHERE row_id > (SELECT up_to FROM message_ids_filed)`,
      )
      .all([]) as SqlRow[];
    this.#fresh.clear();
    for (const row of rows) {
      this.#fresh.set(textOf([row.direction!, row.kind!, row.message_id!, row.originator!]), row.row_id as number);
    }
    this.#isStale = false;
  }
}

/** Unambiguous: no length of the originator can look like another, and direction and kind are words of ours. */
function textOf([direction, kind, messageId, originator]: MessageKey): string {
  return `${direction} ${kind} ${(originator as string).length} ${originator}${messageId}`;
}
