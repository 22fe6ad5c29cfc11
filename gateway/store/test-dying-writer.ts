import { parentPort } from 'node:worker_threads';
import type { FromWriter, ToWriter } from './writer-messages.ts';

/** The writer thread, which ends without an answer when a message says so: `die before`, or `die after` the commit. */
const port = parentPort!;
const post = port.postMessage.bind(port);
let isDying = false;

port.on('message', (message: ToWriter) => {
  const says = (text: string) => message.type === 'batch' && message.batch.includes(text);
  if (says('die before')) process.exit(1);
  isDying = says('die after');
});
port.postMessage = (message: FromWriter) => {
  if (isDying) process.exit(1);
  post(message);
};
await import('./writer.ts');
