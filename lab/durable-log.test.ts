import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { DurableLog } from './durable-log.ts';

test('gives back what was appended, in order', async () => {
  const path = file();
  const { log, records } = await DurableLog.open<number>(path);
  expect(records).toEqual([]);
  await Promise.all([1, 2, 3].map(number => log.append(number)));
  await log.append(4);
  await log.close();
  expect(await read(path)).toEqual([1, 2, 3, 4]);
});

test('a line appended in the turn in which another is acknowledged is stored', async () => {
  const path = file();
  const { log } = await DurableLog.open<number>(path);
  await log.append(1).then(() => log.append(2));
  await log.close();
  expect(await read(path)).toEqual([1, 2]);
});

test('a line cut short by a crash is dropped, and the next one stands alone', async () => {
  const path = file();
  const { log } = await DurableLog.open<object>(path);
  await log.append({ id: 'a' });
  await log.close();
  appendFileSync(path, '{"id":"b');
  const again = await DurableLog.open<object>(path);
  expect(again.records).toEqual([{ id: 'a' }]);
  await again.log.append({ id: 'c' });
  await again.log.close();
  expect(readFileSync(path, 'utf8')).toBe('{"id":"a"}\n{"id":"c"}\n');
});

test('a damaged line in the middle is not passed over in silence', async () => {
  const path = file();
  writeFileSync(path, '{"id":"a"}\nnoise\n{"id":"b"}\n');
  await expect(DurableLog.open(path)).rejects.toMatchObject({
    code: 'lab.log-damaged',
    message: expect.stringContaining('line 2'),
  });
});

test('what was acknowledged before SIGKILL is there after it', async () => {
  const path = file();
  const program = `
    import { DurableLog } from ${JSON.stringify(new URL('./durable-log.ts', import.meta.url).href)};
    const { log } = await DurableLog.open(${JSON.stringify(path)});
    for (let id = 0; ; id++) { const n = id; log.append(n).then(() => process.stdout.write(n + '\\n')); if (id % 7 === 0) await new Promise(setImmediate); }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const acknowledged: number[] = [];
  const lines = createInterface({ input: child.stdout });
  for await (const line of lines) {
    acknowledged.push(Number(line));
    if (acknowledged.length === 200) child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  const records = await read(path);
  expect(records.slice(0, acknowledged.length)).toEqual(acknowledged);
  expect(new Set(records).size).toBe(records.length);
});

async function read(path: string): Promise<number[]> {
  const { log, records } = await DurableLog.open<number>(path);
  await log.close();
  return records;
}

function file(): string {
  return join(mkdtempSync(join(tmpdir(), 'lab-log-')), 'messages.log');
}
