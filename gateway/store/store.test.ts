import { DatabaseSync } from 'node:sqlite';
import { statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { settle } from '../base/test-clock.ts';
import { aMessage, anEvent, openTestStore } from './test-store.ts';
import type { AuditRow } from './types.ts';
import { insertMessage, setMessageState } from './writes.ts';

test('a commit is on disk when it resolves: another connection sees the message and its audit row', async () => {
  await using disk = await openTestStore();
  const { rowId } = await disk.store.commit({
    writes: [insertMessage(aMessage())],
    audit: [anEvent('message.received')],
  });
  const other = new DatabaseSync(disk.path, { readOnly: true });
  expect(other.prepare('SELECT message_id FROM messages WHERE row_id = ?').get(rowId)).toEqual({ message_id: 'm1' });
  expect(other.prepare('SELECT seq, body FROM audit_0001').all()).toEqual([
    {
      seq: 1,
      body: '{"action":"message.received","actor":"program","atMs":1000,"monotonicMs":0,"object":"store","result":"ok","seq":1}',
    },
  ]);
  other.close();
});

test('a message ID seen before writes nothing, no audit row either, and the sequence has no gap', async () => {
  await using disk = await openTestStore();
  const change = (messageId: string) => ({
    writes: [insertMessage(aMessage({ messageId }))],
    audit: [anEvent('message.received', { object: `message:${messageId}` })],
    guarded: true,
  });
  const results = await Promise.all(['m1', 'm1', 'm2', 'm1', 'm3'].map(id => disk.store.commit(change(id))));
  expect(results.map(result => result.applied)).toEqual([true, false, true, false, true]);
  expect(results.map(result => result.rowId > 0)).toEqual([true, false, true, false, true]);
  const rows = await disk.store.recentAudit(10);
  expect(rows.map(({ seq, body }) => [seq, JSON.parse(body).object])).toEqual([
    [3, 'message:m3'],
    [2, 'message:m2'],
    [1, 'message:m1'],
  ]);
});

test('the same message ID is another message from another originator, in the other direction, and as another kind', async () => {
  await using disk = await openTestStore();
  const variants = [{}, { originator: 'valve-1' }, { direction: 'down' }, { kind: 'IMDN' }] as const;
  for (const variant of variants) {
    expect(await disk.store.outbox.add(aMessage(variant), [])).toMatchObject({ applied: true });
    expect(await disk.store.outbox.add(aMessage(variant), [])).toMatchObject({ applied: false });
  }
});

test('changes that came in one turn of the event loop share a transaction', async () => {
  await using disk = await openTestStore();
  const before = disk.store.status();
  const ids = Array.from({ length: 100 }, (_, i) => `m${i}`);
  await Promise.all(ids.map(messageId => disk.store.outbox.add(aMessage({ messageId }), [])));
  const after = disk.store.status();
  expect(after.commits - before.commits).toBe(100);
  expect(after.transactions - before.transactions).toBe(1);
  expect(after.waiting).toBe(0);
});

test('a change with a value that does not fit is refused alone, the others of its batch are written', async () => {
  await using disk = await openTestStore();
  const wrong = { ...aMessage({ messageId: 'wrong' }), appId: null as never };
  const results = await Promise.allSettled([
    disk.store.commit({ writes: [insertMessage(aMessage({ messageId: 'a' }))], audit: [anEvent('message.received')] }),
    disk.store.commit({ writes: [insertMessage(wrong)], audit: [anEvent('message.received')] }),
    disk.store.commit({ writes: [insertMessage(aMessage({ messageId: 'b' }))], audit: [anEvent('message.received')] }),
  ]);
  expect(results.map(result => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(results[1]).toMatchObject({ reason: { code: 'store.refused' } });
  expect((await disk.store.recentMessages(10)).map(message => message.messageId)).toEqual(['b', 'a']);
  expect((await disk.store.recentAudit(10)).map(row => row.seq)).toEqual([2, 1]);
  expect(disk.store.status().state).toBe('open');
});

test('a statement that does not exist is refused before anything is written', async () => {
  await using disk = await openTestStore();
  const commit = disk.store.commit({ writes: [{ statement: 'dropEverything', values: [] }], audit: [] });
  await expect(commit).rejects.toMatchObject({ code: 'store.refused' });
});

test('the audit trail goes on in a new table when one is full, and is read across both', async () => {
  await using disk = await openTestStore({ auditSegmentRows: 3 });
  for (let i = 1; i <= 7; i++) await disk.store.commit({ writes: [], audit: [anEvent('link.opened', { count: i })] });
  const other = new DatabaseSync(disk.path, { readOnly: true });
  expect(other.prepare('SELECT segment, first_seq FROM audit_segments').all()).toEqual([
    { segment: 1, first_seq: 1 },
    { segment: 2, first_seq: 4 },
    { segment: 3, first_seq: 7 },
  ]);
  other.close();
  expect((await disk.store.recentAudit(3, 6)).map(row => row.seq)).toEqual([5, 4, 3]);
  await using again = await disk.reopen();
  await again.store.commit({ writes: [], audit: [anEvent('link.lost')] });
  expect((await again.store.recentAudit(2)).map(row => row.seq)).toEqual([8, 7]);
  expect(again.store.status().auditSeq).toBe(8);
});

test('the audit trail refuses to be changed or deleted from, whoever asks', async () => {
  await using disk = await openTestStore();
  await disk.store.commit({ writes: [], audit: [anEvent('gateway.started')] });
  const other = new DatabaseSync(disk.path);
  expect(() => other.exec(`UPDATE audit_0001 SET body = '{}'`)).toThrow(/append-only/);
  expect(() => other.exec('DELETE FROM audit_0001')).toThrow(/append-only/);
  other.close();
});

test('rows of the audit trail are told as they are on disk, in order', async () => {
  await using disk = await openTestStore();
  const told: AuditRow[] = [];
  disk.store.onAudit(rows => void told.push(...rows));
  await Promise.all(
    (['session.up', 'session.lost', 'session.up'] as const).map(action =>
      disk.store.commit({ writes: [], audit: [anEvent(action)] }),
    ),
  );
  await settle();
  expect(told.map(row => row.seq)).toEqual([1, 2, 3]);
  expect(told.toReversed()).toEqual(await disk.store.recentAudit(10));
});

test('close writes what waits, and refuses what comes later', async () => {
  await using disk = await openTestStore();
  const waiting = disk.store.outbox.add(aMessage(), []);
  const closed = disk.store.close();
  const late = disk.store.outbox.add(aMessage({ messageId: 'late' }), []);
  await expect(late).rejects.toMatchObject({ code: 'store.closed' });
  expect(await waiting).toMatchObject({ applied: true });
  await closed;
  await disk.store.close();
  expect(disk.store.status().state).toBe('closed');
  expect(disk.clock.pending).toBe(0);
});

test('opening and closing may be asked for twice and at the same time', async () => {
  await using disk = await openTestStore();
  await Promise.all([disk.store.open(), disk.store.open()]);
  await Promise.all([disk.store.close(), disk.store.close()]);
  await expect(disk.store.open()).rejects.toMatchObject({ code: 'store.closed' });
});

test('more changes than may wait are refused, so that memory stays bounded on a slow disk', async () => {
  await using disk = await openTestStore({ maxWaiting: 2 });
  const results = await Promise.allSettled(
    ['a', 'b', 'c'].map(messageId => disk.store.outbox.add(aMessage({ messageId }), [])),
  );
  expect(results.map(result => result.status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  expect(results[2]).toMatchObject({ reason: { code: 'store.overloaded' } });
});

test('the state of a message never goes back when a report overtakes the answer', async () => {
  await using disk = await openTestStore();
  const { rowId } = await disk.store.outbox.add(aMessage(), []);
  const steps = ['sent', 'acknowledged', 'queued', 'delivered', 'acknowledged', 'failed'] as const;
  const seen: string[] = [];
  for (const state of steps) {
    await disk.store.commit({ writes: [setMessageState(rowId, { state, atMs: 2_000 })], audit: [] });
    seen.push((await disk.store.recentMessages(1))[0]!.state);
  }
  expect(seen).toEqual(['sent', 'acknowledged', 'acknowledged', 'delivered', 'delivered', 'delivered']);
});

test('nobody else may read the files', async () => {
  await using disk = await openTestStore();
  await disk.store.outbox.add(aMessage(), []);
  for (const suffix of ['', '-wal', '-shm']) expect(statSync(disk.path + suffix).mode & 0o077).toBe(0);
});
