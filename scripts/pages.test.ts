import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');

test.each([
  ['the pages of docs/ that are made from the source', 'pages.mjs'],
  ['THIRD_PARTY.md', 'third-party.mjs'],
])('%s tell what is there', (_what, script) => {
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts', script), '--check'], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

/** Nobody can do anything about these, or the sentence itself says what, or they tell of an end that was asked for. */
const withoutHint = new Set([
  'coap.format',
  'coap.stopped',
  'dtls.addon-missing',
  'dtls.busy',
  'dtls.idle',
  'dtls.replaced',
  'dtls.too-large',
  'dtls.too-many-sessions',
  'lab.bad-request',
  'lab.no-answer',
  'lab.reset',
  'lab.session-lost',
  'lab.unknown-call',
  'rpc.closed',
  'session.stopped',
  'store.closed',
]);

test('every error says what to do, but where nobody can do anything', () => {
  const page = readFileSync(join(root, 'docs', 'error-codes.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `([^`]+)` \| (.*) \| (.*) \| (.*) \|$/gm)];
  expect(rows.length).toBeGreaterThan(80);
  expect(rows.filter(([, , , hint]) => hint === '').map(([, code]) => code)).toEqual([...withoutHint].sort());
});
