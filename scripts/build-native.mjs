// Builds out/native/dtls.node from native/ when something it is made of is newer. Runs on Node 20 too, without packages.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const native = join(root, 'native');
const built = join(root, 'out', 'native', 'dtls.node');
const compiler = process.env.CC || 'gcc';
const nodeHeaders = join(root, 'node_modules', 'node-api-headers', 'include');

const sources = readdirSync(native).filter(name => name.endsWith('.c'));
const headers = readdirSync(native).filter(name => name.endsWith('.h') || name.endsWith('.map'));

if (!existsSync(nodeHeaders)) fail('the package node-api-headers is missing', 'run: npm ci --ignore-scripts');
const [ssl, crypto] = ['libssl.a', 'libcrypto.a'].map(find);
if (!ssl || !crypto || !existsSync('/usr/include/openssl/ssl.h')) {
  fail('OpenSSL to link with is missing', 'run: sudo apt-get install -y libssl-dev');
}

const parts = [
  ...[...sources, ...headers].map(name => join(native, name)),
  ssl,
  crypto,
  fileURLToPath(import.meta.url),
];
if (!existsSync(built) || parts.some(part => statSync(part).mtimeMs > statSync(built).mtimeMs)) build();

function build() {
  mkdirSync(dirname(built), { recursive: true });
  // Several builds at once each end with a whole file.
  const fresh = `${built}.${process.pid}`;
  const startedMs = Date.now();
  const result = spawnSync(
    compiler,
    [
      ...[
        '-std=gnu11',
        '-O2',
        '-Wall',
        '-Wextra',
        '-Werror',
        '-fPIC',
        '-fvisibility=hidden',
        '-fstack-protector-strong',
      ],
      // Node's own headers would bring Node's own OpenSSL.
      ...['-I', nodeHeaders, '-shared', '-o', fresh],
      ...sources.map(name => join(native, name)),
      '-Wl,--wrap=gettimeofday',
      // Node has an OpenSSL of its own in the same process: nothing of ours may show, and nothing may bind to its symbols.
      ...['-Wl,--exclude-libs,ALL', '-Wl,-Bsymbolic', `-Wl,--version-script=${join(native, 'exports.map')}`],
      ...['-Wl,-z,nodelete', '-Wl,-z,relro,-z,now', '-Wl,--gc-sections', '-s'],
      ...[ssl, crypto, '-ldl', '-lpthread'],
    ],
    { stdio: ['ignore', 2, 2] },
  );
  if (result.error) fail(`the compiler ${compiler} could not be started`, 'run: sudo apt-get install -y gcc libc6-dev');
  if (result.status !== 0) {
    rmSync(fresh, { force: true });
    fail('the DTLS addon did not compile', 'the compiler says why above');
  }
  renameSync(fresh, built);
  process.stderr.write(`built out/native/dtls.node in ${((Date.now() - startedMs) / 1000).toFixed(1)} s\n`);
}

/** Debian keeps libraries in a folder named after the machine. */
function find(library) {
  const folders = ['/usr/lib', '/usr/lib64', '/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu'];
  return folders.map(folder => join(folder, library)).find(path => existsSync(path));
}

function fail(what, hint) {
  process.stderr.write(`${what}\n${hint}\n`);
  process.exit(1);
}
