import { ftruncateSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { codeOf } from '../base/errors.ts';
import { silentLog } from '../base/log.ts';
import { createStore } from './store.ts';
import { aMessage, anEvent } from './test-store.ts';
import type { StoreStatus } from './types.ts';

/**
 * A process that lives through a full disk and prints what it saw as one line of JSON. Argument: a data directory on a small
 * file system of its own.
 */
const [directory = ''] = process.argv.slice(2);
const store = createStore({ path: join(directory, 'fieldgate.db'), clock: systemClock, log: silentLog });
await store.open();

let added = 0;
const acknowledged: string[] = [];
async function add(): Promise<void> {
  const messageId = `m${added++}`;
  await store.outbox.add(aMessage({ messageId, body: 'x'.repeat(2_000) }), [anEvent('message.received')]);
  acknowledged.push(messageId);
}

const filler = join(directory, 'filler');
const file = openSync(filler, 'w');
await add();
for (let size = 65_536; size >= 1;) {
  try {
    writeSync(file, Buffer.alloc(size));
  } catch {
    size /= 16;
  }
}
const codes: string[] = [];
for (let tries = 0; codes.length < 3 && tries < 2_000; tries++) await add().catch(error => codes.push(codeOf(error)));
const failed = store.status();

const recovered = new Promise<StoreStatus>(resolve => store.onStatus(resolve));
ftruncateSync(file);
rmSync(filler);
await add();
await recovered;
await add();
const audit = (await store.recentAudit(5)).map(row => JSON.parse(row.body));
const onDisk = (await store.recentMessages(10_000)).map(message => message.messageId).reverse();
console.log(JSON.stringify({ codes, failed, recovered: store.status().state, acknowledged, onDisk, audit }));
await store.close();
