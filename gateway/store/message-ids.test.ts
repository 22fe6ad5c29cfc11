import Database from 'better-sqlite3';
import { beforeEach, expect, test } from 'vitest';
import { MessageIds, type MessageKey } from './message-ids.ts';
import { migrate } from './migrations.ts';
import { writeStatements } from './statements.ts';
import { aMessage } from './test-store.ts';
import type { Message } from './types.ts';
import { insertMessage } from './writes.ts';

const maxFresh = 3;
let db: Database.Database;
let ids: MessageIds;
beforeEach(() => {
  db = new Database(':memory:');
  migrate(db, 'memory');
  ids = new MessageIds(db, maxFresh);
});

function keyOf({ direction, kind, messageId, originator }: Message): MessageKey {
  return [direction, kind, messageId, originator];
}

function insert(message: Message): void {
  const { lastInsertRowid } = db.prepare(writeStatements.messageInsert).run(insertMessage(message).values);
  ids.add(keyOf(message), Number(lastInsertRowid));
}

function filed(): unknown[] {
  return db.prepare('SELECT message_id FROM message_ids ORDER BY row_id').pluck().all();
}

test('an ID is known before it is filed, after it was, and to another that opens the file', () => {
  for (const messageId of ['a', 'b', 'c']) insert(aMessage({ messageId }));
  expect(filed()).toEqual([]);
  ids.fileWhenMany();
  insert(aMessage({ messageId: 'd' }));
  expect(filed()).toEqual(['a', 'b', 'c']);
  for (const knows of [ids, new MessageIds(db, maxFresh)]) {
    for (const messageId of ['a', 'b', 'c', 'd']) {
      expect(knows.has(keyOf(aMessage({ messageId })))).toBe(true);
      expect(knows.find(keyOf(aMessage({ messageId })))).toMatchObject([{ message_id: messageId }]);
    }
    expect(knows.has(keyOf(aMessage({ messageId: 'e' })))).toBe(false);
  }
});

test('few are not filed, and what is filed is not filed again', () => {
  insert(aMessage({ messageId: 'a' }));
  ids.fileWhenMany();
  expect(filed()).toEqual([]);
  for (const messageId of ['b', 'c', 'd', 'e', 'f', 'g']) {
    insert(aMessage({ messageId }));
    ids.fileWhenMany();
  }
  expect(filed()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
});

test('the same ID of another originator, direction or kind is another ID, filed or not', () => {
  const a = aMessage({ messageId: '1', originator: 'x' });
  const others = [
    aMessage({ ...a, messageId: '2', originator: 'x' }),
    aMessage({ ...a, messageId: '', originator: 'x1' }),
    aMessage({ ...a, direction: 'down' }),
    aMessage({ ...a, kind: 'IMDN' }),
  ];
  insert(a);
  for (const other of others) expect(ids.has(keyOf(other))).toBe(false);
  for (const other of others) insert(other);
  ids.fileWhenMany();
  expect(filed()).toHaveLength(5);
});

test('what a rollback takes back is not known any more, filed or not', () => {
  insert(aMessage({ messageId: 'before' }));
  db.exec('BEGIN');
  for (const messageId of ['a', 'b']) insert(aMessage({ messageId }));
  ids.fileWhenMany();
  insert(aMessage({ messageId: 'c' }));
  db.exec('ROLLBACK');
  ids.rolledBack();
  expect(filed()).toEqual([]);
  expect(['before', 'a', 'b', 'c'].map(messageId => ids.has(keyOf(aMessage({ messageId }))))).toEqual([
    true,
    false,
    false,
    false,
  ]);
});

test('a message that is removed takes its filed ID along', () => {
  for (const messageId of ['a', 'b', 'c']) insert(aMessage({ messageId }));
  ids.fileWhenMany();
  db.exec(`DELETE FROM messages WHERE message_id = 'b'`);
  expect(filed()).toEqual(['a', 'c']);
  expect(ids.has(keyOf(aMessage({ messageId: 'b' })))).toBe(false);
});
