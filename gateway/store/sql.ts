/** What a column holds, and what a statement takes. Booleans are 0 and 1. */
export type SqlValue = string | number | Uint8Array | null;
export type SqlRow = Readonly<Record<string, SqlValue>>;

/** A prepared statement, as the writer thread has it. */
export interface SqlStatement {
  run(values: readonly SqlValue[]): { changes: number; lastInsertRowid: number | bigint };
  all(values: readonly SqlValue[]): unknown[];
  get(values: readonly SqlValue[]): unknown;
}

/** The database connection, as far as the files beside the writer need it; the package behind it is the writer's affair. */
export interface Sql {
  readonly inTransaction: boolean;
  prepare(source: string): SqlStatement;
  exec(source: string): unknown;
  pragma(source: string, options?: { simple: boolean }): unknown;
}
