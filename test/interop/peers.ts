import { spawn } from 'node:child_process';

/** A foreign program that a test speaks with. */
export interface Peer {
  /** What it wrote so far, standard output and standard error in order of arrival. */
  output(): string;
  /** Resolves with the first match in its output, seen already or still to come; rejects after `withinMs` or at its end. */
  says(pattern: RegExp | string, withinMs?: number): Promise<RegExpMatchArray>;
  /** To its standard input. */
  write(text: string): void;
  /** Resolves with its exit code; null when a signal ended it. */
  ended(): Promise<number | null>;
  /** Ends it, by force when it must be. May be called twice. */
  stop(): Promise<void>;
}

/** Ours: ten times what any of them took on a busy machine. */
const patienceMs = 20_000;

export function startPeer(command: string, args: readonly string[]): Peer {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  let over = false;
  const watchers = new Set<() => void>();
  const look = (): void => watchers.forEach(watcher => watcher());
  const keep = (chunk: Buffer): void => {
    output += chunk.toString();
    look();
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  // It may be gone when we write.
  child.stdin.on('error', () => {});
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', code => resolve(code));
  }).finally(() => {
    over = true;
    look();
  });
  exit.catch(() => {});

  return {
    output: () => output,
    says: (pattern, withinMs = patienceMs) =>
      new Promise((resolve, reject) => {
        const expression = typeof pattern === 'string' ? new RegExp(pattern.replace(/[^\w\s]/g, '\\$&')) : pattern;
        const settle = (act: () => void): void => {
          clearTimeout(timer);
          watchers.delete(watcher);
          act();
        };
        const miss = (why: string) =>
          new Error(`${command} ${why} before it said ${expression}: ${output.slice(-2_000)}`);
        const watcher = (): void => {
          const match = output.match(expression);
          if (match) settle(() => resolve(match));
          else if (over) settle(() => reject(miss('ended')));
        };
        const timer = setTimeout(() => settle(() => reject(miss(`had ${withinMs} ms`))), withinMs);
        watchers.add(watcher);
        watcher();
      }),
    write: text => void child.stdin.write(text),
    ended: () => exit,
    async stop() {
      if (over) return;
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), 1_000);
      await exit.catch(() => {});
      clearTimeout(force);
    },
  };
}
