import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { migrate, newestVersion } from './migrations.ts';

const first = readFileSync(new URL('./migrations/0001-first.sql', import.meta.url), 'utf8');

let directory = '';
let db: Database.Database;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fieldgate-migrations-'));
  db = new Database(join(directory, 'fieldgate.db'));
});
afterEach(() => {
  db.close();
  rmSync(directory, { recursive: true });
});

function folderOf(files: Readonly<Record<string, string>>): URL {
  const folder = join(directory, 'migrations/');
  mkdirSync(folder, { recursive: true });
  for (const [name, sql] of Object.entries(files)) writeFileSync(join(folder, name), sql);
  return pathToFileURL(folder);
}

test('each step beyond the version of the file is taken, in the order of the numbers, and the data stays', () => {
  migrate(db, 'a.db', folderOf({ '0001-first.sql': first }));
  db.exec(`INSERT INTO audit_segments VALUES (7, 4711)`);
  const folder = folderOf({
    '0003-site.sql': 'ALTER TABLE sites ADD COLUMN name TEXT',
    '0002-sites.sql': 'CREATE TABLE sites (id INTEGER PRIMARY KEY)',
    'notes.md': 'not SQL',
  });
  expect(newestVersion(folder)).toBe(3);
  expect(migrate(db, 'a.db', folder)).toBe(1);
  expect(db.pragma('user_version', { simple: true })).toBe(3);
  expect(db.prepare('SELECT id, name FROM sites').all()).toEqual([]);
  expect(db.prepare('SELECT first_seq FROM audit_segments').get()).toEqual({ first_seq: 4711 });
  expect(migrate(db, 'a.db', folder)).toBe(3);
});

test('a step that fails leaves nothing of itself, and the file at the version before', () => {
  migrate(db, 'a.db', folderOf({ '0001-first.sql': first }));
  const folder = folderOf({ '0002-half.sql': 'CREATE TABLE half (x); CREATE TABLE devices (twice)' });
  expect(() => migrate(db, 'a.db', folder)).toThrow(/already exists/);
  expect(db.pragma('user_version', { simple: true })).toBe(1);
  expect(() => db.prepare('SELECT * FROM half')).toThrow(/no such table/);
});
