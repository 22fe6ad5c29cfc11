import { join } from 'node:path';
import { outFolder } from './build.ts';
import { shownRate } from './table.ts';

/** How long and how often to measure. */
export interface BenchOptions {
  /** How long one measurement lasts, its warm-up not counted. */
  readonly measureMs: number;
  readonly warmupMs: number;
  /** How often each is measured, all in turn; the table shows the median. */
  readonly rounds: number;
  /** Only what has all these words in its label. */
  readonly only: readonly string[];
  /** Programs on Node leave their CPU profiles in `out/bench/profiles`. */
  readonly profile: boolean;
}

export interface Report {
  /** Markdown, from the heading on. */
  readonly markdown: string;
  /** Everything measured and every parameter, as plain JSON. */
  readonly facts: object;
}

/** One subject of the bench. Speaks on standard error while it works. */
export type Suite = (options: BenchOptions) => Promise<Report>;

/** What Node is started with. */
export function nodeFlags(options: BenchOptions): string[] {
  return options.profile ? ['--cpu-prof', `--cpu-prof-dir=${join(outFolder, 'profiles')}`] : [];
}

/** Something to measure: a product or a peer in one setting. */
export interface Subject<Setting> {
  readonly setting: Setting;
  readonly settingLabel: string;
  readonly name: string;
}

export interface Sampled {
  readonly settingLabel: string;
  readonly name: string;
  readonly perSecond: number;
}

/**
 * Measures all subjects in turn, round by round, so that whatever disturbs the machine disturbs product and peers alike.
 * Subjects of one setting stand together. What cannot be measured is told and left out.
 */
export async function inTurn<Setting, Sample extends { readonly perSecond: number }>(
  subjects: readonly Subject<Setting>[],
  options: BenchOptions,
  measure: (setting: Setting, name: string) => Promise<Sample>,
): Promise<{ samples: (Sample & Sampled)[]; broken: string[] }> {
  const samples: (Sample & Sampled)[] = [];
  const broken: string[] = [];
  const wanted = subjects.filter(subject => isWanted(`${subject.settingLabel} ${subject.name}`, options));
  for (const label of new Set(wanted.map(subject => subject.settingLabel))) {
    for (let round = 1; round <= options.rounds; round++) {
      for (const { setting, settingLabel, name } of wanted.filter(subject => subject.settingLabel === label)) {
        try {
          const sample = await measure(setting, name);
          samples.push({ ...sample, settingLabel, name });
          say(`${label}, ${name}: ${shownRate(sample.perSecond)}/s, round ${round} of ${options.rounds}`);
        } catch (error) {
          broken.push(`${label}, ${name}: ${(error as Error).message}`);
          say(broken.at(-1) ?? '');
        }
      }
    }
  }
  return { samples, broken };
}

function isWanted(label: string, options: BenchOptions): boolean {
  const words = label.toLowerCase().split(/[ ,]+/);
  return options.only.every(word => words.includes(word.toLowerCase()));
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
