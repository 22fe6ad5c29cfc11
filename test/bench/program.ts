import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

/** A program of the bench: prints JSON lines, ends when its standard input does. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Runs on this core alone. */
  readonly core?: number;
  /** A foreign program that does not mind its standard input: SIGTERM ends it. */
  readonly endsBySignal?: boolean;
}

export interface Running {
  /** The next line of its standard output, parsed. Rejects when the program ends first, with what it said. */
  line<T>(withinMs: number): Promise<T>;
  /** Says a line on its standard input. */
  say(text: string): void;
  /** Processor time that it has had so far, in microseconds, in steps of 10 ms; NaN where there is no /proc. */
  cpuUs(): number;
  /** Ends its input and waits; kills it when it stays longer than two seconds. */
  stop(): Promise<void>;
}

const stayMs = 2_000;

export function run(program: Program): Running {
  const { command, args, core } = program;
  const [first, ...rest] = core === undefined ? [command, ...args] : ['taskset', '-c', String(core), command, ...args];
  const child = spawn(first, rest, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...program.env } });
  const ended = once(child, 'close');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said = `${said}${text}`.slice(-2_000)));
  // A program that ended before its input did: its exit status tells.
  child.stdin.on('error', () => {});

  return {
    async line<T>(withinMs: number) {
      const late = setTimeout(() => child.kill('SIGKILL'), withinMs);
      const { value, done } = await lines.next();
      clearTimeout(late);
      if (!done) return JSON.parse(value) as T;
      const [status, signal] = (await ended) as [number | null, string | null];
      throw new Error(`${program.args[0] ?? command} ended (${signal ?? status}): ${reason(said)}`);
    },
    say: text => void child.stdin.write(`${text}\n`),
    cpuUs() {
      try {
        // utime and stime, in ticks of 10 ms, counted from behind the name, which may hold blanks: proc(5).
        const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1].split(' ');
        return 10_000 * (Number(fields[11]) + Number(fields[12]));
      } catch {
        return Number.NaN;
      }
    },
    async stop() {
      const tooLong = setTimeout(() => child.kill('SIGKILL'), stayMs);
      child.stdin.end();
      if (program.endsBySignal) child.kill();
      await ended;
      clearTimeout(tooLong);
    },
  };
}

/** The sentence in what a program said before it ended: not the stack under it. */
function reason(said: string): string {
  return said.match(/^(\w*Error\b.*)$/m)?.[1] ?? (said.trim().split('\n').at(-1) || 'without a word');
}
