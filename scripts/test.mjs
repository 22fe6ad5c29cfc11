// `npm test`: every check, in order of cost. All run even when one fails, so that one run tells everything.
import { spawnSync } from 'node:child_process';

const checks = [
  ['types', ['scripts/types.mjs']],
  ['lint', ['node_modules/eslint/bin/eslint.js', '.', '--max-warnings', '0']],
  ['format', ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.']],
  ['native', ['scripts/test-native.mjs']],
  ['unit, flow and interop', ['node_modules/vitest/vitest.mjs', 'run']],
  ['browser', ['node_modules/@playwright/test/cli.js', 'test']],
];

const results = checks.map(([name, args]) => {
  const startedMs = Date.now();
  console.log(`\n== ${name}`);
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  return { name, passed: status === 0, seconds: Math.round((Date.now() - startedMs) / 1000) };
});

console.log('');
for (const { name, passed, seconds } of results) console.log(`${passed ? 'passed' : 'FAILED'}  ${name} (${seconds} s)`);
const failed = results.filter(result => !result.passed).length;
console.log(`checks: ${results.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
