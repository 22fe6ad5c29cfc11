import { codeOf, hintOf, messageOf } from './base/errors.ts';
import { askForLink } from './access/sign-in-door.ts';
import { createLog } from './base/log.ts';
import { examine, report } from './diagnose/doctor.ts';
import { startLab } from './lab-process.ts';
import { helpText, labDirectory, parseOptions, type Command, type Options } from './options.ts';
import { run } from './run.ts';
import { configOf } from './site-config.ts';
import { onceAsked } from './stopping.ts';
import { version } from './version.ts';

/** The program without a window: what `bin/fieldgate.mjs` runs. Ends the process with 1 and a sentence when it cannot. */
export async function main(args: readonly string[]): Promise<void> {
  try {
    const options = parseOptions(args);
    await commands[options.command](options);
  } catch (error) {
    const hint = hintOf(error);
    console.error(`fieldgate: ${messageOf(error)} (${codeOf(error)})${hint ? `\n${hint}` : ''}`);
    process.exit(1);
  }
}

const commands: Readonly<Record<Command, (options: Options) => void | Promise<void>>> = {
  help: () => console.log(helpText()),
  version: () => console.log(version()),
  link: async options => console.log(await askForLink(options.dataDirectory)),
  run,
  async doctor(options) {
    const findings = await examine(options.dataDirectory, configOf(options));
    console.log(report(findings));
    if (findings.some(finding => finding.level === 'FAIL')) process.exitCode = 1;
  },
  async lab(options) {
    const lab = await startLab(labDirectory(options), createLog('info'));
    console.log(JSON.stringify(lab.site));
    onceAsked(() => lab.stop());
  },
};
