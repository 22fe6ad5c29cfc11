import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { seededRandom } from '../base/random.ts';
import { aMessage, openTestStore } from './test-store.ts';

const child = fileURLToPath(new URL('./test-child-writer.ts', import.meta.url));
const random = seededRandom(9);

/** Lets a process write until so many messages are acknowledged, and kills it in the middle of the next ones. */
async function writeAndKill(directory: string, prefix: string, count: number): Promise<string[]> {
  const writer = spawn(process.execPath, [child, directory, prefix], { stdio: ['ignore', 'pipe', 'inherit'] });
  const acknowledged: string[] = [];
  for await (const line of createInterface({ input: writer.stdout })) {
    acknowledged.push(line);
    if (acknowledged.length === count) writer.kill('SIGKILL');
  }
  if (writer.signalCode === null && writer.exitCode === null) await once(writer, 'exit');
  expect(writer.signalCode).toBe('SIGKILL');
  return acknowledged;
}

test('a process killed while it writes loses nothing that it acknowledged, no audit row, and knows every Message ID again', async () => {
  let disk = await openTestStore();
  await disk.store.close();
  const acknowledged: string[] = [];
  for (let round = 0; round < 5; round++) {
    acknowledged.push(...(await writeAndKill(disk.directory, `r${round}`, 20 + Math.floor(400 * random()))));
    // The lock that the killed process left is no hindrance.
    disk = await disk.reopen();
    for (const messageId of acknowledged) {
      expect(await disk.store.outbox.add(aMessage({ messageId }), [])).toMatchObject({ applied: false });
    }
    await disk.store.close();
    const db = new DatabaseSync(disk.path, { readOnly: true });
    const onDisk = new Set(
      db
        .prepare('SELECT message_id FROM messages')
        .all()
        .map(row => row.message_id),
    );
    expect(acknowledged.filter(id => !onDisk.has(id))).toEqual([]);
    const audit = db.prepare('SELECT count(*) AS rows, max(seq) AS last FROM audit_0001').get()!;
    expect(audit.rows).toBe(audit.last);
    const received = db
      .prepare(`SELECT count(*) AS rows FROM audit_0001 WHERE body LIKE '%"message.received"%'`)
      .get()!;
    expect(received.rows).toBe(onDisk.size);
    const ended = db.prepare(`SELECT count(*) AS rows FROM messages WHERE state = 'acknowledged'`).get()!;
    expect(ended.rows).toBe(Number(audit.rows) - onDisk.size);
    expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    db.close();
  }
  await disk[Symbol.asyncDispose]();
}, 60_000);
