import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ConfigInput } from '../../gateway/config.ts';

const root = join(import.meta.dirname, '..', '..');

/** One child process of a test, with what it said. */
export interface Program {
  readonly process: ChildProcess;
  /** Its first line on standard output. */
  readonly firstLine: string;
  /** Everything on standard error so far. */
  errors(): string;
  /** Ends it and waits for its end. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts a Node program of the repository and waits for its first line. */
export async function startProgram(args: readonly string[], withinMs = 30_000): Promise<Program> {
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['pipe', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (text: Buffer) => (errors += text));
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()));
  const firstLine = await new Promise<string>((resolve, reject) => {
    const fail = (what: string): void => reject(new Error(`${args.join(' ')} ${what}\n${errors}`));
    const timer = setTimeout(() => fail('said nothing in time'), withinMs);
    child.once('exit', (code, signal) => fail(`ended with ${signal ?? code}`));
    createInterface({ input: child.stdout }).once('line', line => {
      clearTimeout(timer);
      resolve(line);
    });
  }).catch(error => {
    child.kill('SIGKILL');
    throw error;
  });
  return {
    process: child,
    firstLine,
    errors: () => errors,
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal);
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** The gateway, headless, on a configuration of the test's. */
export async function startGateway(folder: string, config: ConfigInput): Promise<Program & { url: string }> {
  const file = join(folder, 'fieldgate.json');
  writeFileSync(file, JSON.stringify(config));
  const args = [
    'bin/fieldgate.mjs',
    'run',
    '--headless',
    '--data',
    join(folder, 'data'),
    '--config',
    file,
    '--listen',
    '127.0.0.1:0',
  ];
  const program = await startProgram(args);
  const url = /^Fieldgate is ready: (http:\/\/\S+)$/.exec(program.firstLine)?.[1];
  if (!url) throw new Error(`not the ready line: ${program.firstLine}`);
  return { ...program, url };
}

/** A folder that is gone after the test. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'fieldgate-flow-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Waits until `check` gives something, and says what it waited for when it does not. */
export async function until<T>(
  what: string,
  check: () => Promise<T | undefined | false>,
  withinMs = 20_000,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${withinMs} ms`);
    await pause(50);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}
