import { hex } from '../../gateway/base/bytes.ts';

/** What every client and server of the bench is told, in C as in TypeScript: `--name value`. */
export interface Flags {
  text(name: string): string | undefined;
  number(name: string, fallback: number): number;
  /** `--suite c0a8` with `--key HEX`; undefined over plain UDP. */
  readonly security: { readonly suite: number; readonly key: Uint8Array; readonly identity: string } | undefined;
  /** EXCHANGE_LIFETIME when it was configured; otherwise the RFC's stands. */
  readonly exchangeLifetimeMs: number | undefined;
}

export function readFlags(argv: readonly string[] = process.argv.slice(2)): Flags {
  const text = (name: string) => {
    const at = argv.indexOf(`--${name}`);
    return at < 0 ? undefined : argv[at + 1];
  };
  const number = (name: string, fallback: number) => Number(text(name) ?? fallback);
  const key = text('key');
  return {
    text,
    number,
    security: key
      ? { suite: Number.parseInt(text('suite') ?? 'c0a8', 16), key: hex(key), identity: text('identity') ?? 'bench' }
      : undefined,
    exchangeLifetimeMs: text('exchange-lifetime-ms') === undefined ? undefined : number('exchange-lifetime-ms', 0),
  };
}

/** Says a line to the bench. */
export function print(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** Ends the process when the bench lets go of its standard input. */
export function endWithInput(): void {
  process.stdin.on('end', () => process.exit(0)).resume();
}
