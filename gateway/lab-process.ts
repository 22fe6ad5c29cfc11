import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { GatewayError, messageOf } from './base/errors.ts';
import type { Log } from './base/log.ts';

/** What the lab tells of itself in its one line. */
const labSite = z.object({
  ready: z.literal(true),
  control: z.string(),
  controlToken: z.string(),
  server: z.object({ host: z.string(), port: z.number(), fqdn: z.string() }),
  ueServiceId: z.string(),
  keyFile: z.string(),
  serial: z.array(z.object({ id: z.string(), path: z.string() })),
  devices: z.array(z.object({ name: z.string(), layer2Id: z.string(), appId: z.string(), credential: z.string() })),
});

export type LabSite = z.output<typeof labSite>;

export interface Lab {
  readonly site: LabSite;
  readonly processId: number;
  /** Lets the simulated devices attach to `HOST:PORT`. */
  startDevices(gateway: string): Promise<void>;
  stop(): Promise<void>;
}

/** Long enough for a slow machine's first start; a lab that is slower than this is broken. */
const readyWithinMs = 30_000;
const stopWithinMs = 3_000;

/**
 * Starts the lab as a process of its own. It ends when its standard input closes, so it does not outlive us even when we
 * are killed.
 */
export async function startLab(directory: string, log: Log): Promise<Lab> {
  const entry = join(import.meta.dirname, '..', 'lab', 'index.ts');
  if (!existsSync(entry)) {
    throw new GatewayError('lab.missing', `the lab is not part of this installation (${entry})`, {
      hint: 'run without --lab',
    });
  }
  // In a process group of its own: a Ctrl-C is for us, and the lab is still there while we say goodbye to its server.
  const child = spawn(process.execPath, [entry, '--data', directory], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  child.stdin.on('error', () => {});
  const site = await readyLine(child);
  child.on('exit', (code, signal) => {
    if (!child.killed) log.error('the lab ended by itself', { code, signal });
  });
  return { site, processId: child.pid!, startDevices: gateway => startDevices(site, gateway), stop: () => stop(child) };
}

function readyLine(child: ChildProcess): Promise<LabSite> {
  return new Promise((resolve, reject) => {
    const fail = (what: string): void => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(new GatewayError('lab.not-ready', what, { hint: 'its own words stand above on standard error' }));
    };
    const timer = setTimeout(() => fail(`the lab was not ready within ${readyWithinMs / 1000} s`), readyWithinMs);
    child.once('error', error => fail(`the lab could not be started: ${error.message}`));
    child.once('exit', (code, signal) => fail(`the lab ended with ${signal ?? code} before it was ready`));
    createInterface({ input: child.stdout! }).once('line', line => {
      clearTimeout(timer);
      child.removeAllListeners('exit');
      try {
        resolve(labSite.parse(JSON.parse(line)));
      } catch (error) {
        fail(`the lab said something else than its ready line: ${messageOf(error)}`);
      }
    });
  });
}

async function startDevices(site: LabSite, gateway: string): Promise<void> {
  const response = await fetch(`${site.control}/devices/start`, {
    method: 'POST',
    headers: { authorization: `Bearer ${site.controlToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ gateway }),
  });
  if (response.ok) return;
  const why = `the lab answered ${response.status} to "start devices" at ${gateway}: ${await response.text()}`;
  throw new GatewayError('lab.control', why.trim(), { hint: 'its devices reach the gateway at an IPv4 address only' });
}

function stop(child: ChildProcess): Promise<void> {
  return new Promise(resolve => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    const timer = setTimeout(() => child.kill('SIGKILL'), stopWithinMs);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill('SIGTERM');
  });
}
