import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { expect, test } from 'vitest';
import type { SourceFile } from './imports.ts';
import { forbiddenImports } from './layers.ts';

const root = join(import.meta.dirname, '..');
const skipped = new Set(['node_modules', 'out', 'docs', 'shared', '.git', 'test-results']);

function sourceFiles(folder = root): SourceFile[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return skipped.has(entry.name) ? [] : sourceFiles(path);
    return /\.(ts|vue|mjs)$/.test(entry.name) ? [{ path: relative(root, path), text: readFileSync(path, 'utf8') }] : [];
  });
}

test('every import in the repository keeps to the table', () => {
  const files = sourceFiles();
  expect(files.length).toBeGreaterThan(50);
  expect(forbiddenImports(files)).toEqual([]);
});

test('no tool gives a folder another name', () => {
  const configs = readdirSync(root).filter(name =>
    /^(vite|vitest|playwright|electron\.vite)\.config\.ts$|^tsconfig/.test(name),
  );
  expect(configs.length).toBeGreaterThan(2);
  for (const name of configs) {
    const text = readFileSync(join(root, name), 'utf8');
    expect(text, name).not.toMatch(/\balias\b/);
    const { paths = {} } = name.endsWith('.json') ? (JSON.parse(text).compilerOptions as { paths?: object }) : {};
    for (const targets of Object.values(paths)) expect(String(targets), name).toMatch(/^\.\/node_modules\//);
  }
});

const planted: [string, SourceFile, string | undefined][] = [
  [
    'the seam may not know the gateway',
    file('api/x.ts', `import { a } from '../gateway/base/errors.ts';`),
    'gateway/base',
  ],
  [
    'the CoAP engine may not know the store',
    file('gateway/coap/x.ts', `import type { S } from '../store/types.ts';`),
    'gateway/store',
  ],
  [
    'a page may not know Node',
    file('renderer/x.vue', `<script setup lang="ts">import fs from 'node:fs';</script>`),
    'node:fs',
  ],
  [
    'a page may not know the gateway',
    file('renderer/pages/x.vue', `<script>import { a } from '../../gateway/gateway.ts'</script>`),
    'gateway',
  ],
  ['nobody imports the lab', file('gateway/headless.ts', `const lab = await import('../lab/index.ts');`), 'lab'],
  [
    'the lab may not know the engine that it must be able to disagree with',
    file('lab/x.ts', `import { e } from '../gateway/coap/codec.ts';`),
    'gateway/coap',
  ],
  ['proof is pure', file('proof/x.ts', `import { createHash } from 'node:crypto';`), 'node:crypto'],
  ['vue stays in the dashboard', file('gateway/service/x.ts', `import { ref } from 'vue';`), 'vue'],
  ['SQLite has one door', file('gateway/store/x.ts', `import Database from 'better-sqlite3';`), 'better-sqlite3'],
  ['serial ports have one door', file('gateway/link/x.ts', `export { SerialPort } from 'serialport';`), 'serialport'],
  ['electron stays in its folder', file('gateway/x.ts', `const e = require('electron');`), 'electron'],
  ['a file of a package is the package', file('api/x.ts', `import { h } from 'vue/dist/vue.js';`), 'vue/dist/vue.js'],
  ['Node is Node without its prefix', file('proof/x.ts', `import { readFile } from 'fs/promises';`), 'fs/promises'],
  ['the door needs no package', file('bin/x.mjs', `import { z } from 'zod';`), 'zod'],
  ['setup needs no package', file('scripts/setup.mjs', `import { z } from 'zod';`), 'zod'],
  ['other scripts may have packages', file('scripts/x.mjs', `import ts from 'typescript';`), undefined],
  [
    'a worker is an import',
    file('gateway/coap/x.ts', `new Worker(new URL('../store/writer.ts', import.meta.url));`),
    'gateway/store',
  ],
  [
    'a require that was made is one too',
    file('gateway/coap/x.ts', `createRequire(import.meta.url)('../store/x.ts');`),
    'gateway/store',
  ],
  ['so is a resolved name', file('lab/x.ts', `import.meta.resolve('../gateway/coap/codec.ts');`), 'gateway/coap'],
  ['so is a glob', file('renderer/x.ts', `import.meta.glob('../gateway/*.ts');`), 'gateway'],
  ['a name in backticks is a name', file('api/x.ts', 'await import(`../gateway/gateway.ts`);'), 'gateway'],
  ['a name that is put together is refused', file('gateway/x.ts', 'await import(`../${name}/index.ts`);'), 'what only'],
  [
    'a path from the root of the dashboard is no way round',
    file('renderer/x.ts', `import '/gateway/x.ts';`),
    '/gateway',
  ],
  ['nor is a name of package.json', file('renderer/x.ts', `import { a } from '#gateway';`), '#gateway'],
  ['nor a source of a component', file('renderer/x.vue', `<script src="../gateway/gateway.ts"></script>`), 'gateway'],
  [
    'an asterisk in a text hides nothing',
    file('api/x.ts', `const all = 'x/*';\nimport { a } from '../lab/x.ts';\n/* end */`),
    'lab',
  ],
  [
    'what is there for tests stays there',
    file('gateway/gateway.ts', `import { TestClock } from './base/test-clock.ts';`),
    'gateway/base/test-clock.ts',
  ],
  [
    'and may use its like',
    file('gateway/coap/test-x.ts', `import { TestClock } from '../base/test-clock.ts';`),
    undefined,
  ],
  [
    'the base knows types of the seam',
    file('gateway/base/x.ts', `import type { Failure } from '../../api/contract.ts';`),
    undefined,
  ],
  [
    'and nothing else of it',
    file('gateway/base/x.ts', `import { contract } from '../../api/contract.ts';`),
    'api but for its types',
  ],
  ['a folder that the table does not know gets nothing', file('tools/x.ts', `import '../gateway/x.ts';`), 'gateway'],
  ['a URL of the web is no import', file('api/x.ts', `new URL('../lab/', 'http://127.0.0.1/');`), undefined],
  [
    'an import over several lines is seen',
    file('api/y.ts', `import {\n  a,\n  b,\n} from\n  '../renderer/x.ts';`),
    'renderer',
  ],
  ['a type in an import() is seen', file('api/z.ts', `type T = import('../gateway/base/log.ts').Log;`), 'gateway/base'],
  ['a layer may use its own folder', file('gateway/coap/x.ts', `import { a } from './codec.ts';`), undefined],
  [
    'a layer may use what the table grants',
    file('gateway/coap/x.ts', `import { a } from '../channel/udp.ts';`),
    undefined,
  ],
  ['a test may use the test runner', file('api/x.test.ts', `import { test } from 'vitest';`), undefined],
  [
    'words in a comment are not imports',
    file('api/x.ts', `// import x from '../gateway/gateway.ts'\nexport const a = 1;`),
    undefined,
  ],
];

test.each(planted)('%s', (_name, source, found) => {
  const violations = forbiddenImports([source]);
  if (found === undefined) expect(violations).toEqual([]);
  else expect(violations).toEqual([expect.stringContaining(`may not import ${found}`)]);
});

function file(path: string, text: string): SourceFile {
  return { path: normalize(join(dirname(path), path.split('/').at(-1)!)), text };
}
