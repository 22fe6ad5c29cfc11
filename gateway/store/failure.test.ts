import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { codeOf } from '../base/errors.ts';
import { aDevice, aMessage, anEvent, openTestStore, type TestStore } from './test-store.ts';
import type { StoreStatus } from './types.ts';

/** Runs a command where a folder is a small disk of its own: a private mount, which root and user namespaces may make. */
function onSmallDisk(directory: string, command: readonly string[]) {
  const script = 'mount -t tmpfs -o size=1m tmpfs "$0" && exec "$@"';
  const mounts = [['-m'], ['-Urm']];
  const permitted = mounts.find(
    flags => spawnSync('unshare', [...flags, 'sh', '-c', script, directory, 'true']).status === 0,
  );
  return (
    permitted && spawnSync('unshare', [...permitted, 'sh', '-c', script, directory, ...command], { encoding: 'utf8' })
  );
}

test('a full disk refuses commits with what to do, and is over when there is space again', context => {
  const directory = mkdtempSync(join(tmpdir(), 'fieldgate-full-'));
  const child = fileURLToPath(new URL('./test-full-disk.ts', import.meta.url));
  const run = onSmallDisk(directory, [process.execPath, child, directory]);
  rmSync(directory, { recursive: true });
  if (!run) return context.skip('no permission to mount');
  expect(run.stderr).toBe('');
  const seen = JSON.parse(run.stdout);
  expect(seen.codes).toEqual(['store.disk-full', 'store.disk-full', 'store.disk-full']);
  expect(seen.failed).toMatchObject({ state: 'failed', reason: { code: 'store.disk-full', hint: /free some space/ } });
  expect(seen.recovered).toBe('open');
  expect(seen.onDisk).toEqual(seen.acknowledged);
  const told = seen.audit.map((event: { action: string; count?: number }) => [event.action, event.count]);
  expect(told).toContainEqual(['store.failed', undefined]);
  expect(told).toContainEqual(['store.recovered', 3]);
});

test('a database at its largest refuses commits, and holds exactly what it acknowledged', async () => {
  await using disk = await openTestStore({ maxPages: 40 });
  const acknowledged: string[] = [];
  const codes: string[] = [];
  for (let i = 0; codes.length < 3 && i < 100; i++) {
    const message = aMessage({ messageId: `m${i}`, body: 'x'.repeat(2_000) });
    await disk.store.outbox.add(message, [anEvent('message.received')]).then(
      () => acknowledged.push(message.messageId),
      error => codes.push(codeOf(error)),
    );
  }
  expect(codes).toEqual(['store.disk-full', 'store.disk-full', 'store.disk-full']);
  expect(disk.store.status()).toMatchObject({ state: 'failed', reason: { code: 'store.disk-full' } });
  expect((await disk.store.recentMessages(200)).map(message => message.messageId).reverse()).toEqual(acknowledged);
  expect((await disk.store.recentAudit(200)).map(row => row.seq).reverse()).toEqual(acknowledged.map((_, i) => i + 1));
});

function next(disk: TestStore, state: StoreStatus['state']): Promise<StoreStatus> {
  return new Promise(resolve => {
    const stop = disk.store.onStatus(status => {
      if (status.state !== state) return;
      stop();
      resolve(status);
    });
  });
}

const writer = new URL('./test-dying-writer.ts', import.meta.url);

test('when the writer dies, all that waits is rejected, and a new one goes on where the disk is', async () => {
  await using disk = await openTestStore({ writer });
  await disk.store.outbox.add(aMessage({ messageId: 'before' }), [anEvent('message.received')]);
  const failed = next(disk, 'failed');
  const results = await Promise.allSettled(
    ['one', 'die before', 'two'].map(messageId => disk.store.outbox.add(aMessage({ messageId }), [])),
  );
  expect(results).toMatchObject(Array(3).fill({ reason: { code: 'store.writer-died' } }));
  expect((await failed).reason?.code).toBe('store.writer-died');
  const meanwhile = disk.store.outbox.add(aMessage({ messageId: 'meanwhile' }), []);
  await expect(meanwhile).rejects.toMatchObject({ code: 'store.writer-died' });

  const open = next(disk, 'open');
  disk.clock.advance(1_000);
  await open;
  await disk.store.outbox.add(aMessage({ messageId: 'after' }), []);
  expect((await disk.store.recentMessages(10)).map(message => message.messageId)).toEqual(['after', 'before']);
  const actions = (await disk.store.recentAudit(10)).map(row => JSON.parse(row.body).action);
  expect(actions).toEqual(['store.recovered', 'store.failed', 'message.received']);
});

test('what a dying writer had on disk without saying so is in memory afterwards, and what was taken stays taken', async () => {
  await using disk = await openTestStore({ writer });
  const { outbox, registry } = disk.store;
  await outbox.add(aMessage({ messageId: 'taken' }), []);
  await outbox.add(aMessage({ messageId: 'waiting' }), []);
  const taken = outbox.take('up')!;
  const failed = next(disk, 'failed');
  const results = await Promise.allSettled([
    outbox.add(aMessage({ messageId: 'unanswered', body: 'die after' }), []),
    registry.save(aDevice({ registered: true }), []),
  ]);
  expect(results.map(result => result.status)).toEqual(['rejected', 'rejected']);
  await failed;

  const open = next(disk, 'open');
  disk.clock.advance(1_000);
  await open;
  expect(registry.byAppId('app-1')).toBeDefined();
  expect(await outbox.add(aMessage({ messageId: 'unanswered' }), [])).toMatchObject({ applied: false });
  expect([outbox.take('up')?.messageId, outbox.take('up')?.messageId, outbox.take('up')]).toEqual([
    'waiting',
    'unanswered',
    undefined,
  ]);
  outbox.giveBack(taken);
  expect(outbox.take('up')?.messageId).toBe('taken');
});

test('a store whose writer died closes without waiting for it', async () => {
  await using disk = await openTestStore({ writer });
  const failed = next(disk, 'failed');
  await expect(disk.store.outbox.add(aMessage({ messageId: 'die before' }), [])).rejects.toMatchObject({
    code: 'store.writer-died',
  });
  await failed;
  await disk.store.close();
  expect(disk.clock.pending).toBe(0);
});
