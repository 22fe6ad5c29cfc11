import { dirname, resolve } from 'node:path';
import { GatewayError } from './base/errors.ts';
import { parseConfig, readConfig, type Config, type ConfigInput } from './config.ts';
import type { WorkingConfig } from './gateway.ts';
import type { LabSite } from './lab-process.ts';
import type { Options } from './options.ts';

/** The file, then the lab, then the command line: later ones win. Paths count from the file that names them. */
export function configOf(options: Options, site?: LabSite): Config {
  const file = options.configFile;
  const input = file ? (readConfig(file) as ConfigInput) : {};
  const config = parseConfig(merge(input, options, site), file ?? 'the command line');
  if (!config.akma) return config;
  const keyFile = resolve(file ? dirname(file) : '.', config.akma.keyFile);
  return { ...config, akma: { ...config.akma, keyFile } };
}

/** Throws `config.no-server` for a configuration that a gateway cannot go to work with. */
export function working(config: Config, options: Options): WorkingConfig {
  const { server, akma, ueServiceId } = config;
  if (server && akma && ueServiceId) return { ...config, server, akma, ueServiceId };
  throw new GatewayError('config.no-server', `${options.configFile ?? 'the configuration'} names no MSGin5G Server`, {
    hint: 'set server, ueServiceId and akma.keyFile in a file given with --config (docs/configuration.md), or try it with --lab',
  });
}

function merge(file: ConfigInput, { listen, deviceListen }: Options, site?: LabSite): ConfigInput {
  if (typeof file !== 'object' || file === null || Array.isArray(file)) return file;
  return {
    ...file,
    ...(site && {
      site: file.site ?? 'Lab',
      ueServiceId: site.ueServiceId,
      server: site.server,
      akma: { ...file.akma, keyFile: site.keyFile },
      serial: joined(file.serial, site.serial),
      devices: joined(file.devices, site.devices),
    }),
    ...(listen && { listen }),
    ...(deviceListen && { deviceListen }),
  };
}

/** What is no list stays as it is: the check of the configuration names it. */
function joined<T>(file: T[] | undefined, site: readonly T[]): T[] {
  return file === undefined || Array.isArray(file) ? [...(file ?? []), ...site] : file;
}
