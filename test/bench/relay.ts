import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { applicationKey, writeKeyFile } from './akma-key.ts';
import { buildPrograms, outFolder } from './build.ts';
import { suiteNames } from './coap.ts';
import type { Measured } from './load.ts';
import { fsyncMs } from './machine.ts';
import { run, type Running } from './program.ts';
import { relays, suite, towardServer } from './relays.ts';
import { inTurn, type BenchOptions, type Report, type Sampled } from './suite.ts';
import { markdownTable, rateCell, shownRate, spreadOf } from './table.ts';

interface Load {
  readonly devices: number;
  readonly outstanding: number;
}

/** Every device is a socket of its own with NSTART 1, as the RFC has it: no Message ID comes back within its lifetime. */
const loads: readonly Load[] = [
  { devices: 16, outstanding: 16 },
  { devices: 64, outstanding: 64 },
  { devices: 1_000, outstanding: 64 },
];

/** What the server has counted. */
interface Counts {
  readonly messages: number;
  readonly suite: string;
}

interface Sample extends Load, Measured {
  /** Answers that devices had. */
  readonly perSecond: number;
  /** Messages that the server took within the same time. */
  readonly takenPerSecond: number;
  /** From the last answer to a device until the server had every message. */
  readonly drainedMs: number;
  /** Processor time of the relay for a message. */
  readonly relayUs: number;
}

const startMs = 60_000;
/** Ours: a backlog longer than this is a relay that does not keep up. */
const drainMs = 15_000;

/** Messages a second: devices on plain UDP, a relay, one DTLS session, a lean server on libcoap, and the answer back. */
export async function benchRelay(options: BenchOptions): Promise<Report> {
  const subjects = loads.flatMap(setting =>
    Object.keys(relays).map(name => ({ setting, settingLabel: labelOf(setting), name })),
  );
  const { samples, broken } = await inTurn(subjects, options, (load, name) => measure(load, name, options));
  const fsync = fsyncMs(outFolder);
  return {
    markdown: report(samples, broken, fsync),
    facts: { suite, towardServer, fsyncMs: fsync, samples, broken },
  };
}

function labelOf({ devices, outstanding }: Load): string {
  return `devices=${devices} c=${outstanding}`;
}

async function measure(load: Load, name: string, options: BenchOptions): Promise<Sample> {
  const { start, keyFrom, loadArgs } = relays[name];
  const { load: loadProgram, echoServer, pinSuite } = buildPrograms();
  const folder = join(outFolder, `relay-${randomBytes(6).toString('hex')}`);
  mkdirSync(folder, { recursive: true });
  const running: Running[] = [];
  try {
    const kAkma = randomBytes(32);
    writeKeyFile(join(folder, 'key.json'), kAkma);
    const key = (keyFrom ?? applicationKey)(kAkma, suite);
    const server = run({
      command: echoServer,
      args: ['--msgin5g', '--hint', '3GPP-AKMA', '--key', Buffer.from(key).toString('hex')],
      env: { LD_PRELOAD: pinSuite, BENCH_CIPHERS: suiteNames[suite] },
    });
    running.push(server);
    const { port } = await server.line<{ port: number }>(startMs);
    const relay = await start({ port, key, folder, devices: load.devices }, options);
    running.push(relay.running);
    const loading = run({
      command: loadProgram,
      args: [
        ...['--register', '--port', String(relay.port), ...(loadArgs ?? [])],
        ...['--sessions', String(load.devices), '--outstanding', String(load.outstanding)],
        // A second more: a relay on Node has more to warm up than an engine alone.
        ...['--ms', String(options.measureMs), '--warmup-ms', String(options.warmupMs + 1_000)],
      ],
    });
    running.push(loading);
    await loading.line(startMs + options.warmupMs);
    const before = { ...(await counts(server)), relayUs: relay.running.cpuUs() };
    const measured = await loading.line<Measured>(startMs + options.measureMs);
    const after = { ...(await counts(server)), relayUs: relay.running.cpuUs() };
    if (after.suite !== suiteNames[suite]) throw new Error(`the suite is ${after.suite}, not ${suiteNames[suite]}`);
    return {
      ...load,
      ...measured,
      suite: after.suite,
      perSecond: measured.exchanges / measured.seconds,
      takenPerSecond: (after.messages - before.messages) / measured.seconds,
      drainedMs: await drained(server, measured.answered),
      relayUs: (after.relayUs - before.relayUs) / measured.exchanges,
    };
  } finally {
    for (const program of running.reverse()) await program.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function counts(server: Running): Promise<Counts> {
  server.say('count');
  return server.line<Counts>(5_000);
}

/** Waits until the server has every message whose device had an answer. Resolves to the time it took. */
async function drained(server: Running, messages: number): Promise<number> {
  const sinceMs = performance.now();
  for (;;) {
    const had = (await counts(server)).messages;
    const waitedMs = performance.now() - sinceMs;
    if (had >= messages) return waitedMs;
    if (waitedMs > drainMs)
      throw new Error(`${messages - had} answered messages did not reach the server in ${drainMs} ms`);
    await sleep(20);
  }
}

function report(samples: readonly (Sample & Sampled)[], broken: readonly string[], fsync: number): string {
  const names = Object.keys(relays);
  const of = (label: string, name: string) => samples.filter(s => s.settingLabel === label && s.name === name);
  const labels = [...new Set(samples.map(sample => sample.settingLabel))];
  return [
    '## Relay: messages a second (median; least to most; p50; processor time of the relay)',
    '',
    'Constrained devices on plain UDP, each a socket with one POST of 310 octets under way; relay; one DTLS session to a',
    `server on libcoap; counted when the device has its answer. Suite ${suite} (${suiteNames[suite]}) throughout.`,
    `fieldgate: every message is in the database and synchronised (fsync here ${fsync.toFixed(2)} ms) before the device is`,
    `answered; toward the server NSTART ${towardServer.nstart} and EXCHANGE_LIFETIME ${towardServer.exchangeLifetimeMs} ms are configured. "taken" is what the server`,
    'had in the same time, where that differs; all that was answered reaches it, or the line below the table says so.',
    "libcoap's proxy opens a DTLS session for each device; all of them stand before the clock starts.",
    '',
    markdownTable(
      ['', ...names],
      labels.map(label => [label, ...names.map(name => cell(of(label, name)))]),
    ),
    ...broken.map(line => `- not measured: ${line}`),
    '',
  ].join('\n');
}

function cell(samples: readonly Sample[]): string {
  const median = (of: (sample: Sample) => number) => spreadOf(samples.map(of)).median;
  const answered = median(sample => sample.perSecond);
  const taken = median(sample => sample.takenPerSecond);
  return rateCell(
    samples,
    `${median(sample => sample.relayUs).toFixed(0)} us`,
    ...(Math.abs(taken - answered) > answered / 20 ? [`taken ${shownRate(taken)}`] : []),
  );
}
