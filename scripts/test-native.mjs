// Builds the C engine with its C tests under AddressSanitizer (leaks too) and UndefinedBehaviorSanitizer, and runs them.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const native = join(root, 'native');
const program = join(root, 'out', 'native', `engine-test.${process.pid}`);
mkdirSync(dirname(program), { recursive: true });

const engine = readdirSync(native).filter(name => name.endsWith('.c') && !name.startsWith('addon'));
const tests = readdirSync(join(native, 'test')).filter(name => name.endsWith('.c'));
const sources = [...engine.map(name => join(native, name)), ...tests.map(name => join(native, 'test', name))];

const built = run(process.env.CC || 'gcc', [
  ...['-std=gnu11', '-O1', '-g', '-Wall', '-Wextra', '-Werror', '-fno-omit-frame-pointer'],
  ...['-fsanitize=address,undefined', '-fno-sanitize-recover=all'],
  ...['-o', program, ...sources, '-Wl,--wrap=gettimeofday'],
  ...['-Wl,-Bstatic', '-lssl', '-lcrypto', '-Wl,-Bdynamic', '-ldl', '-lpthread'],
]);
const passed = built && run(program, []);
rmSync(program, { force: true });
process.exit(passed ? 0 : 1);

function run(command, args) {
  const result = spawnSync(command, args, {
    stdio: 'inherit',
    timeout: 300_000,
    env: { ...process.env, ASAN_OPTIONS: 'detect_leaks=1:abort_on_error=0', UBSAN_OPTIONS: 'print_stacktrace=1' },
  });
  if (result.error) console.error(`${command} could not be run: ${result.error.message}`);
  else if (result.status !== 0) console.error(`${command} ended with ${result.signal ?? result.status}`);
  return result.status === 0;
}
