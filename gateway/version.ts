import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the program's own files are: sources, `out/`, package.json. */
export const programDirectory = join(import.meta.dirname, '..');

export function version(): string {
  return (JSON.parse(readFileSync(join(programDirectory, 'package.json'), 'utf8')) as { version: string }).version;
}
