import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { silentLog } from '../base/log.ts';
import { createStore } from './store.ts';
import { aMessage, anEvent } from './test-store.ts';

/**
 * A process that writes messages until it is killed, and prints the ID of each one as soon as it is acknowledged.
 * Arguments: data directory, prefix of the message IDs.
 */
const [directory = '', prefix = ''] = process.argv.slice(2);
const store = createStore({
  path: join(directory, 'fieldgate.db'),
  clock: systemClock,
  log: silentLog,
  maxFreshIds: 50,
});
await store.open();

async function writeOnAndOn(writer: number): Promise<void> {
  for (let i = 0; ; i++) {
    const messageId = `${prefix}-${writer}-${i}`;
    const { rowId } = await store.outbox.add(aMessage({ messageId }), [
      anEvent('message.received', { object: messageId }),
    ]);
    writeSync(1, `${messageId}\n`);
    const message = aMessage({ messageId, rowId });
    if (i % 2 === 0) await store.outbox.update(message, { state: 'acknowledged' }, [anEvent('message.acknowledged')]);
  }
}

await Promise.all(Array.from({ length: 16 }, (_, writer) => writeOnAndOn(writer)));
