// Writes THIRD_PARTY.md from what is installed, or with --check says whether it is true and every licence fits.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const target = join(root, 'THIRD_PARTY.md');

/** Licences that fit Apache-2.0 in source and binary. */
const fitting = new Set([
  'Apache-2.0',
  'MIT',
  'MIT-0',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'CC-BY-4.0',
  'Unlicense',
  'Python-2.0',
  'OFL-1.1',
  '(MIT OR CC0-1.0)',
  '(MIT AND Zlib)',
  '(BSD-2-Clause OR MIT OR Apache-2.0)',
  'MIT OR Apache-2.0',
]);
/** Tools of development only, never part of what is shipped: file-level copyleft does no harm there. */
const fittingForTools = new Set(['MPL-2.0']);

const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
const rows = Object.entries(lock.packages)
  .filter(([path]) => path.startsWith('node_modules/'))
  .map(([path, facts]) => ({
    name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
    version: facts.version,
    licence: facts.license ?? licenceOf(path),
    isTool: facts.dev === true,
    isOtherPlatform: facts.optional === true && !existsSync(join(root, path)),
  }));
const unique = [...new Map(rows.map(row => [`${row.name}@${row.version}`, row])).values()].sort(
  (a, b) => a.name.localeCompare(b.name, 'en') || a.version.localeCompare(b.version, 'en'),
);

const unfit = unique.filter(row => !row.isOtherPlatform && !fits(row));
for (const row of unfit)
  console.error(`${row.name} ${row.version}: licence ${row.licence ?? 'unknown'} is not on the list`);

const text = page();
if (process.argv.includes('--check')) {
  const isTrue = existsSync(target) && readFileSync(target, 'utf8') === text;
  if (!isTrue)
    console.error('THIRD_PARTY.md does not tell what package-lock.json holds: run node scripts/third-party.mjs');
  process.exit(isTrue && unfit.length === 0 ? 0 : 1);
}
writeFileSync(target, text);
process.exit(unfit.length === 0 ? 0 : 1);

function licenceOf(path) {
  const file = join(root, path, 'package.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).license : undefined;
}

function fits(row) {
  return fitting.has(row.licence) || (row.isTool && fittingForTools.has(row.licence));
}

function page() {
  const table = chosen => ['| package | version | licence |', '|---|---|---|', ...chosen.map(line)].join('\n');
  const line = row => `| ${row.name} | ${row.version} | ${row.licence ?? 'see its package'} |`;
  return `# What Fieldgate stands on

Fieldgate is Apache-2.0. Made by \`node scripts/third-party.mjs\` from \`package-lock.json\`.

## Linked into the addon

| what | version | licence |
|---|---|---|
| OpenSSL (libssl, libcrypto; static, from the system's libssl-dev) | 3.x | Apache-2.0 |

## Shipped with the program

${table(unique.filter(row => !row.isTool))}

## Tools of development

${table(unique.filter(row => row.isTool))}
`;
}
