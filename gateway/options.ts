import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { GatewayError, messageOf } from './base/errors.ts';

/** The command line as one table: what `--help` prints and what `parseOptions` takes. */
const optionTable = {
  data: { type: 'string', value: 'DIR', help: 'where registrations, messages and the audit trail are kept' },
  config: { type: 'string', value: 'FILE', help: 'configuration (JSON); docs/configuration.md lists the keys' },
  listen: { type: 'string', value: 'HOST:PORT', help: 'dashboard; default 127.0.0.1:7420' },
  'device-listen': { type: 'string', value: 'HOST:PORT', help: "the devices' CoAP port; default 127.0.0.1:5683" },
  lab: { type: 'boolean', help: 'run on the lab: a simulated server, keys and two devices' },
  headless: { type: 'boolean', help: 'no window, even where one could open' },
  help: { type: 'boolean', help: 'this text' },
  version: { type: 'boolean', help: 'the version' },
} as const;

const commands = {
  run: 'run the gateway and serve its dashboard',
  lab: 'run only the lab, with its own control port',
  link: 'print a new link to the dashboard of the gateway that runs',
  doctor: 'check versions, addon, database and ports, and say what to do',
} as const;

export type Command = keyof typeof commands | 'help' | 'version';

export interface Options {
  readonly command: Command;
  readonly dataDirectory: string;
  readonly configFile?: string;
  readonly listen?: string;
  readonly deviceListen?: string;
  readonly lab: boolean;
  readonly headless: boolean;
}

/** Throws `options.invalid` with a sentence and the way to the help. */
export function parseOptions(args: readonly string[], environment: NodeJS.ProcessEnv = process.env): Options {
  const { values, positionals } = parse(args);
  const command = positionals[0] ?? 'run';
  if (positionals.length > 1) throw invalid(`one command at a time, not "${positionals.join(' ')}"`);
  if (!Object.hasOwn(commands, command)) throw invalid(`there is no command "${command}"`);
  const lab = values.lab === true || command === 'lab';
  return {
    command: values.help ? 'help' : values.version ? 'version' : (command as Command),
    dataDirectory: values.data ?? defaultDataDirectory(lab, environment),
    configFile: values.config,
    listen: values.listen,
    deviceListen: values['device-listen'],
    lab,
    headless: values.headless === true,
  };
}

/** The lab's files, beside the gateway's own. */
export function labDirectory({ dataDirectory }: Pick<Options, 'dataDirectory'>): string {
  return join(dataDirectory, 'lab');
}

export function helpText(): string {
  const line = (left: string, right: string): string => `  ${left.padEnd(28)} ${right}`;
  return [
    'fieldgate [command] [options]',
    '',
    'Commands',
    ...Object.entries(commands).map(([name, help]) => line(name, help)),
    '',
    'Options',
    ...Object.entries(optionTable).map(([name, option]) =>
      line(`--${name}${'value' in option ? ` ${option.value}` : ''}`, option.help),
    ),
  ].join('\n');
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: optionTable, allowPositionals: true, strict: true });
  } catch (cause) {
    throw invalid(messageOf(cause), cause);
  }
}

/** The lab keeps apart from real data: a site's trail must never hold simulated rows. */
function defaultDataDirectory(lab: boolean, environment: NodeJS.ProcessEnv): string {
  const base = environment.XDG_DATA_HOME || join(homedir(), '.local', 'share');
  return join(base, lab ? 'fieldgate-lab' : 'fieldgate');
}

function invalid(message: string, cause?: unknown): GatewayError {
  return new GatewayError('options.invalid', message, { cause, hint: 'fieldgate --help lists commands and options' });
}
