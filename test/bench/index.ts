import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { outFolder } from './build.ts';
import { benchCoap } from './coap.ts';
import { machineFacts } from './machine.ts';
import { benchRelay } from './relay.ts';
import type { BenchOptions, Suite } from './suite.ts';

/** `npm run bench -- NAME ...` measures these; without a name all, in this order. */
const suites: Readonly<Record<string, Suite>> = {
  coap: benchCoap,
  relay: benchRelay,
};

const usage = `usage: npm run bench -- [${Object.keys(suites).join('|')}]... [--quick] [--rounds N] [--seconds N] [--only WORDS]
  --quick    one round of one second each: whether it runs, not how fast
  --profile  leaves CPU profiles of all that runs on Node in out/bench/profiles
  --only     only what has all these words in its label: --only "B C0A8 c=16"`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    only: { type: 'string', default: '' },
    profile: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const unknown = positionals.filter(name => !(name in suites));
if (values.help || unknown.length > 0) {
  process.stderr.write(`${usage}\n`);
  process.exit(values.help ? 0 : 2);
}

const options: BenchOptions = {
  measureMs: 1_000 * Number(values.seconds ?? (values.quick ? 1 : 3)),
  warmupMs: values.quick ? 500 : 1_000,
  rounds: Number(values.rounds ?? (values.quick ? 1 : 3)),
  profile: values.profile,
  only: values.only.split(' ').filter(word => word !== ''),
};

const machine = machineFacts();
process.stdout.write(
  `${Object.entries(machine)
    .map(([name, fact]) => `- ${name}: ${fact}`)
    .join('\n')}\n\n`,
);
mkdirSync(outFolder, { recursive: true });
for (const name of positionals.length > 0 ? positionals : Object.keys(suites)) {
  const report = await suites[name](options);
  process.stdout.write(`${report.markdown}\n`);
  const path = join(outFolder, `${name}.json`);
  writeFileSync(
    path,
    `${JSON.stringify({ measuredAt: new Date().toISOString(), machine, options, ...report.facts }, null, 1)}\n`,
  );
  process.stderr.write(`everything measured: ${path}\n`);
}
