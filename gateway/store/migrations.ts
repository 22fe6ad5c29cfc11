import { readFileSync, readdirSync } from 'node:fs';
import { GatewayError } from '../base/errors.ts';
import type { Sql } from './sql.ts';

/** "FGAT" in the header of the file. Migration 1 sets it. */
export const applicationId = 0x46474154;

interface Migration {
  readonly version: number;
  readonly url: URL;
}

const ourFolder = new URL('./migrations/', import.meta.url);

/** Numbered files: 0001-first.sql makes version 1. */
function migrationsIn(folder: URL): Migration[] {
  return readdirSync(folder)
    .filter(name => /^\d{4}-.*\.sql$/.test(name))
    .sort()
    .map(name => ({ version: Number(name.slice(0, 4)), url: new URL(name, folder) }));
}

/** The newest version this program makes and reads. */
export function newestVersion(folder = ourFolder): number {
  return migrationsIn(folder).at(-1)?.version ?? 0;
}

/**
 * Brings a database to the newest version, each step in a transaction of its own.
 * @returns the version it had, 0 when it is new
 * @throws GatewayError `store.not-ours`, `store.newer`
 */
export function migrate(db: Sql, path: string, folder = ourFolder): number {
  const found = db.pragma('user_version', { simple: true }) as number;
  checkOurs(db, path, found);
  const newest = newestVersion(folder);
  if (found > newest) {
    throw new GatewayError(
      'store.newer',
      `${path} is of version ${found}, this program knows versions up to ${newest}`,
      {
        hint: 'start the newer Fieldgate that wrote it, or restore the backup from before its update',
      },
    );
  }
  for (const { version, url } of migrationsIn(folder)) {
    if (version > found) step(db, version, readFileSync(url, 'utf8'));
  }
  return found;
}

/** A file with tables but without our application ID belongs to another program. */
function checkOurs(db: Sql, path: string, version: number): void {
  const id = db.pragma('application_id', { simple: true }) as number;
  const tables = db.prepare('SELECT count(*) AS count FROM sqlite_schema').get([]) as { count: number };
  const isNew = id === 0 && version === 0 && tables.count === 0;
  if (isNew || id === applicationId) return;
  throw new GatewayError('store.not-ours', `${path} is the database of another program (application ID ${id})`, {
    hint: 'give another data directory with --data, or move that file away',
  });
}

function step(db: Sql, version: number, sql: string): void {
  // Not IMMEDIATE: the write lock would fix the header of a new file, and auto_vacuum could not be set any more.
  db.exec('BEGIN');
  try {
    db.exec(sql);
    db.pragma(`user_version = ${version}`);
    db.exec('COMMIT');
  } catch (error) {
    if (db.inTransaction) db.exec('ROLLBACK');
    throw error;
  }
}
