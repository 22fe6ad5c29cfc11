import { DatabaseSync } from 'node:sqlite';
import { expect, test, vi } from 'vitest';
import { settle } from '../base/test-clock.ts';
import { aMessage, anEvent, openTestStore } from './test-store.ts';
import type { Message, MessageDirection, Outbox } from './types.ts';

const windows = { up: 4, downPerApp: 2 };

async function addAll(outbox: Outbox, ids: readonly string[], with_: Partial<Message> = {}): Promise<void> {
  await Promise.all(ids.map(messageId => outbox.add(aMessage({ messageId, ...with_ }), [])));
}

/** Takes what there is, waiting for refills from the disk, until `count` are taken. */
async function takeAll(outbox: Outbox, count: number, take = () => outbox.take('up')): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) {
    const message = take();
    if (message) ids.push(message.messageId);
    else await settle();
  }
  return ids;
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `m${i}`);
}

test('messages are taken oldest first, each once', async () => {
  await using disk = await openTestStore();
  const { outbox } = disk.store;
  await addAll(outbox, ['a', 'b', 'c']);
  expect(await takeAll(outbox, 3)).toEqual(['a', 'b', 'c']);
  expect(outbox.take('up')).toBeUndefined();
  expect(outbox.take('down')).toBeUndefined();
});

test('what does not fit into the window is taken from disk, in order, when the window drains', async () => {
  await using disk = await openTestStore({ windows });
  const { outbox } = disk.store;
  await addAll(outbox, numbered(25));
  expect(outbox.depth('up')).toBe(25);
  expect(await takeAll(outbox, 25)).toEqual(numbered(25));
  expect(outbox.depth('up')).toBe(0);
});

test('messages added while the window refills keep their place', async () => {
  await using disk = await openTestStore({ windows });
  const { outbox } = disk.store;
  await addAll(outbox, numbered(10));
  const added: Promise<unknown>[] = [];
  const taken = await takeAll(outbox, 40, () => {
    const message = outbox.take('up');
    if (message && added.length < 30) added.push(outbox.add(aMessage({ messageId: `m${10 + added.length}` }), []));
    if (message && added.length < 30) added.push(outbox.add(aMessage({ messageId: `m${10 + added.length}` }), []));
    return message;
  });
  await Promise.all(added);
  expect(taken).toEqual(numbered(40));
  expect(outbox.depth('up')).toBe(0);
});

test('a message given back is the next to be taken', async () => {
  await using disk = await openTestStore({ windows });
  const { outbox } = disk.store;
  await addAll(outbox, numbered(6));
  const first = outbox.take('up')!;
  const second = outbox.take('up')!;
  outbox.giveBack(second);
  outbox.giveBack(first);
  outbox.giveBack(first);
  expect(await takeAll(outbox, 6)).toEqual(numbered(6));
});

test('a device that sleeps with a full queue does not hold up the others', async () => {
  await using disk = await openTestStore({ windows });
  const { outbox } = disk.store;
  await addAll(outbox, numbered(9), { direction: 'down', appId: 'asleep' });
  await addAll(outbox, ['x'], { direction: 'down', appId: 'awake' });
  expect(outbox.takeFor('awake')?.messageId).toBe('x');
  expect(outbox.takeFor('nobody')).toBeUndefined();
  expect(await takeAll(outbox, 9, () => outbox.takeFor('asleep'))).toEqual(numbered(9));
});

test('messages down are also taken oldest first across devices', async () => {
  await using disk = await openTestStore();
  const { outbox } = disk.store;
  for (const [messageId, appId] of [
    ['a', 'two'],
    ['b', 'one'],
    ['c', 'two'],
  ] as const) {
    await addAll(outbox, [messageId], { direction: 'down', appId });
  }
  expect(await takeAll(outbox, 3, () => outbox.take('down'))).toEqual(['a', 'b', 'c']);
});

test('after a restart everything that did not end is takeable again, what ended is not', async () => {
  await using disk = await openTestStore({ windows });
  await addAll(disk.store.outbox, ['queued', 'taken', 'sent', 'acknowledged', 'delivered', 'failed', 'expired']);
  const taken: Message[] = [];
  while (taken.length < 7) {
    const message = disk.store.outbox.take('up');
    if (message) taken.push(message);
    else await settle();
  }
  for (const message of taken) {
    if (message.messageId === 'queued' || message.messageId === 'taken') continue;
    await disk.store.outbox.update(message, { state: message.messageId as Message['state'], attempted: true }, []);
  }
  await using again = await disk.reopen();
  expect(again.store.outbox.depth('up')).toBe(3);
  expect(await takeAll(again.store.outbox, 3)).toEqual(['queued', 'taken', 'sent']);
  const sent = await again.store.outbox.find('up', 'meter-1', 'sent');
  expect(sent).toMatchObject({ state: 'sent', attempts: 1 });
});

test('a new state is on disk with its cause, its attempt and its audit row, and counts for the next give-back', async () => {
  await using disk = await openTestStore();
  const { outbox } = disk.store;
  await addAll(outbox, ['m1']);
  const message = outbox.take('up')!;
  disk.clock.advance(5_000);
  await outbox.update(message, { state: 'queued', cause: 'session.lost', attempted: true }, [anEvent('message.sent')]);
  const expected = { state: 'queued', cause: 'session.lost', attempts: 1, updatedAtMs: disk.clock.wallMs() };
  expect(await outbox.find('up', 'meter-1', 'm1')).toMatchObject(expected);
  expect((await disk.store.recentAudit(1))[0]!.body).toContain('"message.sent"');
  expect(outbox.take('up')).toBeUndefined();
  outbox.giveBack(message);
  expect(outbox.take('up')).toMatchObject(expected);
});

test('a message that expires while it waits is not taken any more, in the window or behind it', async () => {
  await using disk = await openTestStore({ windows });
  const { outbox } = disk.store;
  await addAll(outbox, numbered(8));
  for (const id of ['m1', 'm6']) {
    const message = (await outbox.find('up', 'meter-1', id))!;
    await outbox.update(message, { state: 'expired' }, [anEvent('message.expired')]);
  }
  expect(outbox.depth('up')).toBe(6);
  expect(await takeAll(outbox, 6)).toEqual(['m0', 'm2', 'm3', 'm4', 'm5', 'm7']);
  expect(outbox.depth('up')).toBe(0);
});

test('nobody can take a message while its end is on the way to the disk', async () => {
  await using disk = await openTestStore();
  const { outbox } = disk.store;
  await addAll(outbox, ['m1']);
  const update = outbox.update((await outbox.find('up', 'meter-1', 'm1'))!, { state: 'expired' }, []);
  expect(outbox.take('up')).toBeUndefined();
  await update;
  expect(outbox.take('up')).toBeUndefined();
});

test('listeners hear once a turn that something can be taken, and never from within a call of theirs', async () => {
  await using disk = await openTestStore();
  const { outbox } = disk.store;
  const heard: MessageDirection[] = [];
  const stop = outbox.onReady(direction => {
    heard.push(direction);
    const message = outbox.take(direction);
    if (message && heard.length < 5) outbox.giveBack(message);
  });
  await addAll(outbox, ['a', 'b']);
  while (heard.length < 5) await settle();
  expect(new Set(heard)).toEqual(new Set(['up']));
  stop();
  await addAll(outbox, ['c']);
  await settle();
  expect(heard).toHaveLength(5);
});

test('the age of a queue is that of its oldest waiting message', async () => {
  await using disk = await openTestStore();
  const { outbox } = disk.store;
  expect(outbox.oldestMs('up')).toBeUndefined();
  await addAll(outbox, ['a'], { receivedAtMs: 5_000 });
  await addAll(outbox, ['b'], { receivedAtMs: 7_000 });
  expect(outbox.oldestMs('up')).toBe(5_000);
  outbox.take('up');
  expect(outbox.oldestMs('up')).toBe(7_000);
});

test('an acknowledged message whose row is gone is counted as lost, and a late state of one that is there is not', async () => {
  await using disk = await openTestStore();
  const { outbox } = disk.store;
  await addAll(outbox, ['there', 'gone']);
  const [there, gone] = [outbox.take('up')!, outbox.take('up')!];
  await outbox.update(there, { state: 'delivered' }, []);
  await outbox.update(there, { state: 'acknowledged' }, []);
  const other = new DatabaseSync(disk.path);
  other.prepare('DELETE FROM messages WHERE message_id = ?').run('gone');
  other.close();
  await outbox.update(gone, { state: 'acknowledged' }, []);
  await vi.waitFor(() => expect(outbox.lost).toBe(1));
});
