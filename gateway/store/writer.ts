import { parentPort, workerData } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { AuditSegments } from './audit-segments.ts';
import { MessageIds } from './message-ids.ts';
import { migrate, newestVersion } from './migrations.ts';
import { storeFailure } from './sqlite-failure.ts';
import type { Sql, SqlRow, SqlStatement, SqlValue } from './sql.ts';
import { queries, type QueryName } from './statements.ts';
import { Transaction } from './transaction.ts';
import type { FromWriter, ToWriter, WriterOptions } from './writer-messages.ts';

/**
 * The one writer, a thread of its own, so that waiting for the disk stalls no one: takes batches and queries in the order
 * they were posted and answers each. The only file that knows the SQLite package.
 */

/** Pages of the log before they go into the database: with the default of 1 000 a copy would come four times as often. */
const checkpointPages = 4_000;
/** How long another connection (a backup) may hold the database before `store.busy`. */
const busyTimeoutMs = 2_000;

const options = workerData as WriterOptions;
const port = parentPort!;
const answer = (message: FromWriter): void => port.postMessage(message);

try {
  const db = new Database(options.path, { timeout: busyTimeoutMs });
  try {
    serve(db);
  } catch (error) {
    db.close();
    throw error;
  }
} catch (error) {
  answer({ type: 'not-opened', failure: storeFailure(error, options.path) });
  port.close();
}

function serve(db: Sql & { close(): unknown }): void {
  const migratedFrom = migrate(db, options.path);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.pragma(`wal_autocheckpoint = ${checkpointPages}`);
  // A REPLACE that would take an audit row away fires the trigger too.
  db.pragma('recursive_triggers = ON');
  if (options.maxPages !== undefined) db.pragma(`max_page_count = ${options.maxPages}`);
  const audit = new AuditSegments(db, options.auditSegmentRows);
  const ids = new MessageIds(db, options.maxFreshIds);
  const transaction = new Transaction(db, options.path, audit, ids);
  const prepared = new Map<QueryName, SqlStatement>();

  const query = (name: QueryName, values: readonly SqlValue[]): SqlRow[] => {
    if (name === 'auditRecent') return audit.recent(values[0] as number, values[1] as number);
    if (name === 'messageByKey') return ids.find(values);
    const statement = prepared.get(name) ?? db.prepare(queries[name]);
    prepared.set(name, statement);
    return statement.all(values) as SqlRow[];
  };

  port.on('message', (message: ToWriter) => {
    if (message.type === 'close') {
      db.close();
      answer({ type: 'closed' });
      port.close();
    } else if (message.type === 'batch') {
      answer(
        tried(
          () => transaction.run(message.batch),
          failure => ({ type: 'failed', failure }),
        ),
      );
    } else {
      const { id } = message;
      answer(
        tried(
          () => ({ type: 'rows', id, rows: query(message.name, message.values) }),
          failure => ({ type: 'query-failed', id, failure }),
        ),
      );
    }
  });
  answer({ type: 'opened', version: newestVersion(), migratedFrom, auditSeq: audit.seq });
}

function tried(act: () => FromWriter, otherwise: (failure: ReturnType<typeof storeFailure>) => FromWriter): FromWriter {
  try {
    return act();
  } catch (error) {
    return otherwise(storeFailure(error, options.path));
  }
}
