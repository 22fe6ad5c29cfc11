import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { buildPrograms } from './build.ts';
import type { Measured } from './load.ts';
import { canPin } from './machine.ts';
import { run, type Program } from './program.ts';
import { inTurn, nodeFlags, type BenchOptions, type Report, type Sampled } from './suite.ts';
import { markdownTable, rateCell, spreadOf } from './table.ts';

/** OpenSSL's names of the suites that are pinned at both ends. */
export const suiteNames = { C0A8: 'PSK-AES128-CCM8', CCAC: 'ECDHE-PSK-CHACHA20-POLY1305' } as const;

type Carrier = 'plain' | keyof typeof suiteNames;

interface Setting {
  readonly series: 'A' | 'B';
  readonly carrier: Carrier;
  readonly outstanding: number;
}

/** Ours: 65 536 Message IDs in this time are 262 144 exchanges a second, more than any of them reaches. */
const configuredLifetimeMs = 250;
/** Ours: so many pairs that EXCHANGE_LIFETIME, 247 s, binds none of them. */
const manyPairs = 256;
const startMs = 20_000;

type Kind = 'fieldgate' | 'node-coap' | 'libcoap';

/** Who is measured: a client of one make against a server of one make. */
const pairings: Readonly<Record<string, { readonly client: Kind; readonly server: Kind }>> = {
  fieldgate: { client: 'fieldgate', server: 'fieldgate' },
  'C load on fieldgate': { client: 'libcoap', server: 'fieldgate' },
  libcoap: { client: 'libcoap', server: 'libcoap' },
  'node-coap': { client: 'node-coap', server: 'node-coap' },
};

interface Sample extends Setting, Measured {
  readonly perSecond: number;
  /** Processor time of an exchange at either end: comparable even where others use the machine. */
  readonly clientUs: number;
  readonly serverUs: number;
}

/**
 * Exchanges a second of one client process and one server process on loopback. Series A: 256 pairs of endpoints and every
 * number the RFC's. Series B: one pair, which is lawful at such rates only where EXCHANGE_LIFETIME and NSTART were agreed.
 */
export async function benchCoap(options: BenchOptions): Promise<Report> {
  const subjects = allSettings().flatMap(setting =>
    Object.keys(pairings).map(name => ({ setting, settingLabel: labelOf(setting), name })),
  );
  const { samples, broken } = await inTurn(subjects, options, (setting, name) => measure(setting, name, options));
  return {
    markdown: report(samples, broken),
    facts: { configuredLifetimeMs, manyPairs, suiteNames, samples, broken },
  };
}

function allSettings(): Setting[] {
  return (['A', 'B'] as const).flatMap(series =>
    (['plain', 'C0A8', 'CCAC'] as const).flatMap(carrier =>
      [1, 16, 64].map(outstanding => ({ series, carrier, outstanding })),
    ),
  );
}

function labelOf({ series, carrier, outstanding }: Setting): string {
  return `${series} ${carrier} c=${outstanding}`;
}

async function measure(setting: Setting, name: string, options: BenchOptions): Promise<Sample> {
  const { series, carrier, outstanding } = setting;
  const { client, server } = pairings[name];
  const security = carrier === 'plain' ? [] : ['--suite', carrier, '--key', randomBytes(32).toString('hex')];
  const lifetime = series === 'A' ? [] : ['--exchange-lifetime-ms', String(configuredLifetimeMs)];
  const load = [
    ...['--outstanding', String(outstanding), '--sessions', String(series === 'A' ? manyPairs : 1)],
    ...['--nstart', String(series === 'A' ? 1 : outstanding)],
    ...['--ms', String(options.measureMs), '--warmup-ms', String(options.warmupMs)],
  ];
  // With one exchange under way it is the way to and fro that counts, and that depends on who sits where.
  const [serverCore, clientCore] = outstanding === 1 && canPin() ? [0, 1] : [];

  const serving = run({
    ...program('server', server, carrier, [...security, ...lifetime], options),
    core: serverCore,
  });
  try {
    const { port } = await serving.line<{ port: number }>(startMs);
    const loading = run({
      ...program('client', client, carrier, ['--port', String(port), ...load, ...security, ...lifetime], options),
      core: clientCore,
    });
    try {
      await loading.line(startMs + options.warmupMs);
      const before = { client: loading.cpuUs(), server: serving.cpuUs() };
      const measured = await loading.line<Measured>(startMs + options.measureMs);
      assertSuite(measured.suite, carrier);
      return {
        ...setting,
        ...measured,
        perSecond: measured.exchanges / measured.seconds,
        clientUs: (loading.cpuUs() - before.client) / measured.exchanges,
        serverUs: (serving.cpuUs() - before.server) / measured.exchanges,
      };
    } finally {
      await loading.stop();
    }
  } finally {
    await serving.stop();
  }
}

/** The client says what it agreed on: OpenSSL's name, or the code in hexadecimal. */
function assertSuite(agreed: string, carrier: Carrier): void {
  const wanted = carrier === 'plain' ? ['none'] : [suiteNames[carrier], carrier.toLowerCase()];
  if (!wanted.includes(agreed)) throw new Error(`the suite is ${agreed}, not ${wanted[0]}`);
}

function program(
  role: 'client' | 'server',
  kind: Kind,
  carrier: Carrier,
  args: readonly string[],
  options: BenchOptions,
): Program {
  if (kind === 'libcoap') {
    const { load, echoServer, pinSuite } = buildPrograms();
    const env = carrier === 'plain' ? undefined : { LD_PRELOAD: pinSuite, BENCH_CIPHERS: suiteNames[carrier] };
    return { command: role === 'client' ? load : echoServer, args, env };
  }
  const name = kind === 'fieldgate' ? 'engine' : 'node-coap';
  const script = join(import.meta.dirname, `${name}-${role}.ts`);
  return { command: process.execPath, args: [...nodeFlags(options), script, ...args] };
}

function report(samples: readonly (Sample & Sampled)[], broken: readonly string[]): string {
  const names = Object.keys(pairings);
  const of = (label: string, name: string) => samples.filter(s => s.settingLabel === label && s.name === name);
  const rows = [...new Set(samples.map(sample => sample.settingLabel))].map(label => [
    label,
    ...names.map(name => cell(of(label, name))),
    ratio(of(label, 'fieldgate'), of(label, 'libcoap')),
  ]);
  return [
    '## CoAP: exchanges a second (median; least to most; p50; processor time of client + server)',
    '',
    'Confirmable POST of 310 octets, answered 2.04; c exchanges under way; client and server a process each.',
    `A: ${manyPairs} pairs of endpoints, RFC 7252 defaults (EXCHANGE_LIFETIME 247 s, NSTART 1).`,
    `B: one pair, EXCHANGE_LIFETIME ${configuredLifetimeMs} ms and NSTART c configured at both ends. libcoap and node-coap keep no`,
    'Message ID for a lifetime: they are as they come.',
    `DTLS 1.2 PSK, one suite offered: ${Object.entries(suiteNames)
      .map(entry => entry.join(' '))
      .join(', ')}.`,
    canPin() ? 'c=1: client and server on a core each.' : 'Nothing is pinned to a core here.',
    '',
    markdownTable(['', ...names, 'fieldgate / libcoap'], rows),
    ...broken.map(line => `- not measured: ${line}`),
    '',
  ].join('\n');
}

function cell(samples: readonly Sample[]): string {
  const median = (of: (sample: Sample) => number) => spreadOf(samples.map(of)).median.toFixed(0);
  return rateCell(samples, `${median(sample => sample.clientUs)}+${median(sample => sample.serverUs)} us`);
}

function ratio(ours: readonly Sample[], theirs: readonly Sample[]): string {
  const [a, b] = [ours, theirs].map(samples => spreadOf(samples.map(sample => sample.perSecond)).median);
  return Number.isFinite(a / b) ? (a / b).toFixed(2) : '-';
}
