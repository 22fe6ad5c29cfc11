import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { GatewayError } from '../gateway/base/errors.ts';

/** Two real pseudo-terminals, joined. */
export interface PtyPair {
  readonly processId: number;
  /** Resolves with the reason when the pair ends. */
  readonly ended: Promise<string>;
  stop(): Promise<void>;
}

/** Ours: socat needs some ten milliseconds; a loaded machine gets this much. */
const readyWithinMs = 10_000;

/**
 * Joins two pseudo-terminals with socat and makes links to them. The kernel sends socat SIGTERM when this process ends, by
 * whatever end (`setpriv --pdeathsig`, PR_SET_PDEATHSIG), so that SIGKILL of the lab leaves no socat behind.
 */
export async function startPtyPair(left: string, right: string): Promise<PtyPair> {
  for (const link of [left, right]) rmSync(link, { force: true });
  const ends = [left, right].map(link => `PTY,link=${link},rawer`);
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', 'socat', ...ends], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = new Promise<string>(resolve => {
    child.once('error', error => resolve(error.message));
    child.once('exit', (code, signal) => resolve(`it ended with ${signal ?? code}`));
  });
  const reason = await Promise.race([ended, bothExist(left, right)]);
  if (reason !== undefined) {
    child.kill('SIGKILL');
    throw new GatewayError('lab.pty', `socat made no pseudo-terminals: ${reason}`, {
      hint: 'apt-get install socat util-linux',
    });
  }
  return { processId: child.pid!, ended, stop: () => stop(child) };
}

async function bothExist(left: string, right: string): Promise<string | undefined> {
  const endMs = performance.now() + readyWithinMs;
  while (performance.now() < endMs) {
    if (existsSync(left) && existsSync(right)) return undefined;
    await pause(10);
  }
  return `not within ${readyWithinMs / 1_000} s`;
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise(resolve => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}
