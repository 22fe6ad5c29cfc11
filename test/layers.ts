import { builtinModules } from 'node:module';
import { dirname, join } from 'node:path';
import { importsOf, type Import, type SourceFile } from './imports.ts';

const gatewayFolders = [
  'base',
  'channel',
  'secure',
  'coap',
  'link',
  'store',
  'session',
  'msgin5g',
  'access',
  'capture',
  'diagnose',
  'service',
];
const allOfGateway = ['gateway', ...gatewayFolders.map(name => `gateway/${name}`)];

/** The import table: who may import whom of ours. The narrowest folder that matches a file decides. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  api: [],
  proof: [],
  // The addon that is built from it.
  native: ['out'],
  'gateway/base': ['api'],
  'gateway/channel': ['gateway/base'],
  'gateway/secure': ['gateway/base', 'gateway/channel', 'native'],
  'gateway/coap': ['gateway/base', 'gateway/channel'],
  'gateway/link': ['gateway/base', 'gateway/channel', 'gateway/secure'],
  'gateway/store': ['gateway/base', 'proof'],
  'gateway/session': ['gateway/base', 'gateway/channel', 'gateway/secure', 'gateway/coap'],
  'gateway/msgin5g': ['gateway/base', 'gateway/coap', 'gateway/link', 'gateway/store', 'gateway/session'],
  'gateway/access': ['gateway/base', 'gateway/store'],
  'gateway/capture': ['gateway/base', 'gateway/store'],
  'gateway/diagnose': allOfGateway.filter(name => name !== 'gateway/service' && name !== 'gateway'),
  'gateway/service': [...allOfGateway, 'api'],
  gateway: [...allOfGateway, 'api'],
  electron: ['gateway', 'gateway/service', 'api'],
  renderer: ['api', 'proof'],
  lab: ['native', 'api', 'gateway/base'],
  bin: ['gateway'],
  scripts: [],
};

/** Of these only types may be imported. */
const typesOnly: Readonly<Record<string, readonly string[]>> = { 'gateway/base': ['api'] };

/** Files that are there for tests. */
const testSupport = /(^|\/)(test-[^/]+|[^/]+\.test)\.ts$|^native\/memory-pair\.ts$|^gateway\/channel\/memory\.ts$/;

/** Packages and runtimes that one place alone may import, files within them included. */
const onlyIn: readonly [RegExp, RegExp][] = [
  [/^electron$/, /^electron\//],
  [/^(vue|vue-router|pinia|@lucide\/vue|reka-ui|@vue\/[^/]+)$/, /^renderer\//],
  [/^better-sqlite3$/, /^gateway\/store\/writer\.ts$/],
  [/^serialport$/, /^gateway\/link\/serial\.ts$/],
  [/^dbus-native$/, /^gateway\/link\/[^/]+\.ts$/],
  [/^coap(-packet)?$/, /^lab\//],
  [/^node:/, /^(?!api\/|proof\/|renderer\/)/],
];

/** Run before anything is installed, or on any Node. */
const withoutPackages = /^(bin\/|scripts\/(setup|build-native)\.mjs$)/;

/** One sentence for each import that the table does not grant. Tests and files at the root may import anything. */
export function forbiddenImports(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => !isTest(path))
    .flatMap(file => importsOf(file).flatMap(it => verdict(file.path, it)));
}

function isTest(path: string): boolean {
  return path.startsWith('test/') || path.endsWith('.test.ts') || !path.includes('/');
}

function verdict(path: string, { name, isType }: Import): string[] {
  if (name === undefined) return [`${path} may not import what only the run knows`];
  if (!name.startsWith('.'))
    return /^[/#]/.test(name) ? [`${path} may not import ${name}`] : packageVerdict(path, name);
  const imported = join(dirname(path), name);
  if (testSupport.test(imported) && !testSupport.test(path)) return [`${path} may not import ${imported}`];
  const from = worldOf(path);
  const target = worldOf(imported);
  if (target === undefined || target === from) return [];
  const isGranted = from !== undefined && mayImport[from]?.includes(target);
  const needsType = from !== undefined && typesOnly[from]?.includes(target) && !isType;
  if (isGranted && needsType) return [`${path} may not import ${target} but for its types`];
  return isGranted ? [] : [`${path} may not import ${target}`];
}

function packageVerdict(path: string, name: string): string[] {
  const whole = packageOf(name);
  const isBuiltIn = whole.startsWith('node:');
  const rule = onlyIn.find(([packages]) => packages.test(whole));
  const isForbidden = (rule && !rule[1].test(path)) || (!isBuiltIn && withoutPackages.test(path));
  return isForbidden ? [`${path} may not import ${name}`] : [];
}

/** `vue` of `vue/dist/x.js`; `node:fs` of `fs/promises`. */
function packageOf(name: string): string {
  if (name.startsWith('node:') || builtinModules.includes(name)) return `node:${name.replace(/^node:/, '')}`;
  return name.split('/', name.startsWith('@') ? 2 : 1).join('/');
}

/** The folder of the table that a path belongs to; undefined for files at the root (package.json). */
function worldOf(path: string): string | undefined {
  const [first, second] = dirname(path).split('/');
  if (`${first}/${second}` in mayImport) return `${first}/${second}`;
  return first === '.' ? undefined : first;
}
