// Installs and builds what is missing, and is quick when nothing is. Run by `prestart` and `pretest` on whatever Node
// the machine has, so: no dependencies, no new syntax.
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const purpose = process.argv[2] === 'test' ? 'test' : 'start';

/** Debian package, a file that proves it is there, and for which purposes it is needed. */
const systemPackages = [
  { name: 'gcc', proof: '/usr/bin/gcc', for: ['start', 'test'] },
  { name: 'libc6-dev', proof: '/usr/include/stdio.h', for: ['start', 'test'] },
  { name: 'libssl-dev', proof: '/usr/include/openssl/ssl.h', for: ['start', 'test'] },
  { name: 'socat', proof: '/usr/bin/socat', for: ['start', 'test'] },
  { name: 'ca-certificates', proof: '/etc/ssl/certs', for: ['test'] },
  { name: 'chromium', proof: '/usr/bin/chromium', for: ['test'] },
  { name: 'libcoap3-bin', proof: '/usr/bin/coap-client-notls', for: ['test'] },
  { name: 'libcoap3-dev', proof: '/usr/include/coap3/coap.h', for: ['test'] },
  { name: 'openssl', proof: '/usr/bin/openssl', for: ['test'] },
  { name: 'gnutls-bin', proof: '/usr/bin/gnutls-serv', for: ['test'] },
];

installSystemPackages();
installNodePackages();
const node = join(root, 'node_modules', '.bin', 'node');
if (!existsSync(node)) {
  fail(
    'the pinned Node is not in node_modules (there is one for Linux on x64 and arm64)',
    'install Node 24 or later and run bin/fieldgate.mjs with it',
  );
}
run(node, [join('scripts', 'build-native.mjs')]);
buildDashboard();

function installSystemPackages() {
  const missing = systemPackages
    .filter(function (p) {
      return p.for.indexOf(purpose) >= 0 && !existsSync(p.proof);
    })
    .map(function (p) {
      return p.name;
    });
  if (missing.length === 0) return;
  const install = 'apt-get install -y --no-install-recommends ' + missing.join(' ');
  const isRoot = process.getuid && process.getuid() === 0;
  if (!isRoot || !existsSync('/usr/bin/apt-get')) {
    fail('these system packages are missing: ' + missing.join(', '), 'run: sudo apt-get update && sudo ' + install);
  }
  say('installing ' + missing.join(', '));
  const environment = Object.assign({}, process.env, { DEBIAN_FRONTEND: 'noninteractive' });
  run('apt-get', ['update', '-qq'], environment, true);
  run('apt-get', install.split(' ').slice(1).concat(['-qq']), environment, true);
}

/** The lock file's hash is kept beside what it installed, so that a changed lock file installs anew. */
function installNodePackages() {
  const stamp = join(root, 'node_modules', '.fieldgate-lock');
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  say('installing Node packages');
  // Without --ignore-scripts, npm 10 compiles better-sqlite3, which ships its binary.
  const npm = process.env.npm_execpath;
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  if (npm && /\.c?js$/.test(npm)) run(process.execPath, [npm].concat(args), process.env, true);
  else run('npm', args, process.env, true);
  writeFileSync(stamp, lock);
}

function buildDashboard() {
  const built = join(root, 'out', 'renderer', 'index.html');
  const sources = ['renderer', 'api', 'proof', 'vite.config.ts', 'package-lock.json'];
  const newest = Math.max.apply(
    null,
    sources.map(function (name) {
      return newestMs(join(root, name));
    }),
  );
  if (existsSync(built) && statSync(built).mtimeMs > newest) return;
  say('building the dashboard');
  run(node, [join('node_modules', 'vite', 'bin', 'vite.js'), 'build', '--logLevel', 'warn'], process.env, true);
}

function newestMs(path) {
  if (!existsSync(path)) return 0;
  const facts = statSync(path);
  if (!facts.isDirectory()) return facts.mtimeMs;
  return readdirSync(path).reduce(function (newest, name) {
    return Math.max(newest, newestMs(join(path, name)));
  }, 0);
}

/** Standard output belongs to the program that follows: what tools print goes to standard error. */
function run(command, args, environment, quiet) {
  const result = spawnSync(command, args, {
    cwd: root,
    env: environment || process.env,
    stdio: ['ignore', quiet ? 'pipe' : 2, 2],
    maxBuffer: 64 * 1024 * 1024,
  });
  if (result.error) fail(command + ' could not be started: ' + result.error.message);
  if (result.status !== 0) {
    if (quiet && result.stdout) process.stderr.write(result.stdout);
    fail(command + ' ' + args.join(' ') + ' ended with ' + (result.signal || result.status));
  }
}

function say(text) {
  process.stderr.write('setup: ' + text + '\n');
}

function fail(what, hint) {
  say(what);
  if (hint) say(hint);
  process.exit(1);
}
