import { execFileSync } from 'node:child_process';
import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';

/** What a number depends on, to be printed beside it. */
export function machineFacts(): Record<string, string> {
  return {
    cpu: `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores`,
    memory: `${(totalmem() / 2 ** 30).toFixed(1)} GiB`,
    kernel: release(),
    node: process.version,
    'openssl of the machine': firstLine('openssl', 'version'),
    libcoap: firstLine('pkg-config', '--modversion', 'libcoap-3-openssl'),
  };
}

/** Whether two programs can be given a core each. */
export function canPin(): boolean {
  return availableParallelism() >= 2 && firstLine('taskset', '--version') !== 'absent';
}

/** Median time of a 4 KiB write with fsync in this folder, in milliseconds. */
export function fsyncMs(folder: string): number {
  const path = join(folder, 'fsync-probe');
  const file = openSync(path, 'w');
  const page = new Uint8Array(4_096);
  const timesMs = Array.from({ length: 100 }, () => {
    const sinceMs = performance.now();
    writeSync(file, page);
    fsyncSync(file);
    return performance.now() - sinceMs;
  });
  closeSync(file);
  rmSync(path);
  return timesMs.sort((a, b) => a - b)[50] ?? Number.NaN;
}

function firstLine(command: string, ...args: string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n')[0] ?? '';
  } catch {
    return 'absent';
  }
}
