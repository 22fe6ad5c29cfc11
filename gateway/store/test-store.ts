import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../base/log.ts';
import { TestClock } from '../base/test-clock.ts';
import { createStore, type StoreOptions } from './store.ts';
import type { AuditAction, AuditEvent, Device, Message, Store } from './types.ts';

export interface TestStore extends AsyncDisposable {
  readonly store: Store;
  readonly clock: TestClock;
  readonly directory: string;
  readonly path: string;
  /** Closes and opens again on the same files, as a restart does. */
  reopen(): Promise<TestStore>;
}

/**
 * A real store on real files in a folder of its own, opened, for tests of what stands on it.
 *
 *     await using disk = await openTestStore();
 *     await disk.store.outbox.add(aMessage({ messageId: 'm1' }), [anEvent('message.received')]);
 *     expect(disk.store.outbox.take('up')?.messageId).toBe('m1');
 */
export async function openTestStore(
  options: Partial<StoreOptions> & { clock?: TestClock; directory?: string } = {},
): Promise<TestStore> {
  const { clock = new TestClock(), directory = mkdtempSync(join(tmpdir(), 'fieldgate-store-')) } = options;
  const path = options.path ?? join(directory, 'fieldgate.db');
  const store = createStore({ log: silentLog, ...options, clock, path });
  await store.open();
  return {
    store,
    clock,
    directory,
    path,
    async reopen() {
      await store.close();
      return openTestStore({ ...options, clock, directory });
    },
    async [Symbol.asyncDispose]() {
      await store.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export function aMessage(with_: Partial<Message> = {}): Message {
  return {
    rowId: 0,
    direction: 'up',
    kind: 'MSG',
    messageId: 'm1',
    originator: 'meter-1',
    appId: 'app-1',
    state: 'queued',
    body: '{"msgType":"MSG","payload":"21.5"}',
    deliveryStatusRequired: false,
    attempts: 0,
    receivedAtMs: 1_000,
    updatedAtMs: 1_000,
    ...with_,
  };
}

export function aDevice(with_: Partial<Device> = {}): Device {
  return {
    layer2Id: 'meter-1',
    appId: 'app-1',
    name: 'Meter 1',
    credentialHash: new Uint8Array(32),
    originator: 'gateway',
    registered: false,
    ...with_,
  };
}

export function anEvent(action: AuditAction, with_: Partial<AuditEvent> = {}): AuditEvent {
  return { action, atMs: 1_000, monotonicMs: 0, actor: 'program', object: 'store', result: 'ok', ...with_ };
}
