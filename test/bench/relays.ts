import { join } from 'node:path';
import { aKid } from './akma-key.ts';
import { buildPrograms } from './build.ts';
import { suiteNames } from './coap.ts';
import { freePort, pingUntilUp } from './ports.ts';
import { run, type Program, type Running } from './program.ts';
import { nodeFlags, type BenchOptions } from './suite.ts';

/** The one suite that the server offers, and so all relays use. */
export const suite = 'C0A8';

/** What our relay agrees on with the bench's server: 65 536 exchanges a second on the one session, 64 at once. */
export const towardServer = { nstart: 64, exchangeLifetimeMs: 1_000 } as const;

/** What a relay is given. */
export interface Site {
  /** Of the server, on loopback. */
  readonly port: number;
  readonly key: Uint8Array;
  /** Empty but for `key.json`, and its own. */
  readonly folder: string;
  /** How many devices will register. */
  readonly devices: number;
}

export interface Relay {
  start(site: Site, options: BenchOptions): Promise<{ running: Running; port: number }>;
  /** Where it cannot take K_AF: the key it can take instead. */
  readonly keyFrom?: (kAkma: Uint8Array) => Uint8Array;
  /** What the load generator must say besides. */
  readonly loadArgs?: readonly string[];
}

const identity = `3GPP-AKMA${aKid}`;
const startMs = 60_000;

export const relays: Readonly<Record<string, Relay>> = {
  'fieldgate, on disk first': { start: startFieldgate },
  "libcoap's proxy": {
    start: startProxy,
    loadArgs: ['--proxy'],
    // It takes its key as text, from the command line.
    keyFrom: kAkma => Buffer.from(Buffer.from(kAkma).toString('hex').slice(0, 32)),
  },
  'C relay, piggybacked': { start: site => startCRelay(site) },
  'C relay, separate': { start: site => startCRelay(site, '--separate') },
};

/** The whole gateway, as `relay-gateway.ts` wires it. */
function startFieldgate({ port, folder, devices }: Site, options: BenchOptions) {
  const { nstart, exchangeLifetimeMs } = towardServer;
  const args = [
    ...['--folder', folder, '--upstream-port', String(port), '--devices', String(devices)],
    ...['--server-nstart', String(nstart), '--exchange-lifetime-ms', String(exchangeLifetimeMs)],
  ];
  const script = join(import.meta.dirname, 'relay-gateway.ts');
  return started({ command: process.execPath, args: [...nodeFlags(options), script, ...args] });
}

function startCRelay({ port, key }: Site, ...args: string[]) {
  return started({
    command: buildPrograms().relay,
    args: [
      ...['--upstream-port', String(port), '--identity', identity],
      ...['--upstream-key', Buffer.from(key).toString('hex'), ...args],
    ],
    env: pinned(),
  });
}

async function startProxy({ port: serverPort, key }: Site) {
  const port = await freePort();
  const running = run({
    // It does not mind its standard input, so that it would outlive a bench that was killed.
    command: 'setpriv',
    args: [
      ...['--pdeathsig', 'TERM', 'coap-server-openssl', '-A', '127.0.0.1', '-p', String(port)],
      ...['-u', identity, '-k', Buffer.from(key).toString()],
      ...['-P', `coaps://127.0.0.1:${serverPort},fieldgate`],
    ],
    env: pinned(),
    endsBySignal: true,
  });
  await pingUntilUp(port);
  return { running, port };
}

async function started(program: Program): Promise<{ running: Running; port: number }> {
  const running = run(program);
  try {
    const { port } = await running.line<{ port: number }>(startMs);
    return { running, port };
  } catch (error) {
    await running.stop();
    throw error;
  }
}

/** Makes a program on libcoap offer the one suite. */
function pinned(): Record<string, string> {
  return { LD_PRELOAD: buildPrograms().pinSuite, BENCH_CIPHERS: suiteNames[suite] };
}
