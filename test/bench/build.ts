import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '../..');
export const outFolder = join(root, 'out/bench');

/** Warnings are errors: these programs are small enough to be clean. */
const flags = ['-O2', '-std=gnu17', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror'];
/** The static library, so that the linker can put a function of ours in front of one of libcoap's (--wrap). */
const libcoapOpenssl = ['-l:libcoap-3-openssl.a', '-lssl', '-lcrypto'];

/**
 * Compiles C sources into one program with gcc, unless it is newer than they are. Safe when several do it at once: the
 * program appears under its name when it is whole.
 * @param sources paths from the root of the project; headers among them count for age only
 * @returns the program's path
 */
export function compile(program: string, sources: readonly string[], options: readonly string[]): string {
  const paths = sources.map(source => join(root, source));
  if (changedMs(program) > Math.max(...paths.map(changedMs))) return program;
  mkdirSync(dirname(program), { recursive: true });
  const unfinished = `${program}.${process.pid}`;
  const inputs = paths.filter(path => path.endsWith('.c'));
  execFileSync('gcc', [...flags, '-o', unfinished, ...inputs, ...options], { stdio: ['ignore', 'inherit', 'inherit'] });
  renameSync(unfinished, program);
  return program;
}

/** Our C programs of the bench, and what pins a cipher suite in any program on libcoap. */
export interface Programs {
  readonly load: string;
  readonly echoServer: string;
  readonly relay: string;
  /** For LD_PRELOAD, with BENCH_CIPHERS. */
  readonly pinSuite: string;
}

export function buildPrograms(): Programs {
  const onLibcoap = (name: string, ...options: string[]) =>
    compile(
      join(outFolder, name),
      [`test/bench/c/${name}.c`, 'test/bench/c/bench.c', 'test/bench/c/bench.h'],
      [...options, ...libcoapOpenssl],
    );
  return {
    load: onLibcoap('coap-load', '-Wl,--wrap=coap_retransmit'),
    echoServer: onLibcoap('coap-echo-server'),
    relay: onLibcoap('coap-relay', '-Wl,--wrap=coap_session_send'),
    pinSuite: compile(join(outFolder, 'pin-suite.so'), ['test/bench/c/pin-suite.c'], ['-shared', '-fPIC']),
  };
}

function changedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
