import { GatewayError, codeOf, failureOf, messageOf, ourFault, type Failure } from '../base/errors.ts';

const kinds: readonly [codes: RegExp, code: string, sentence: string, hint: string][] = [
  [
    /^SQLITE_(FULL|IOERR_SHMSIZE)$/,
    'store.disk-full',
    'no space left for',
    'free some space; the store tries again by itself',
  ],
  [
    /^SQLITE_NOTADB$/,
    'store.not-ours',
    'not a database:',
    'move that file away, or give another data directory with --data',
  ],
  [
    /^SQLITE_(CORRUPT|IOERR_CORRUPTFS|IOERR_SHORT_READ)/,
    'store.damaged',
    'damaged:',
    'stop Fieldgate, keep a copy of the data directory, and restore a backup',
  ],
  [
    /^SQLITE_(READONLY|PERM|CANTOPEN|AUTH)/,
    'store.permission',
    'not allowed to write',
    'the user that runs Fieldgate must own the data directory and its files',
  ],
  [
    /^SQLITE_(BUSY|LOCKED)/,
    'store.busy',
    'another program holds',
    'close the other program that has the database open',
  ],
  [/^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG|RANGE|MISUSE)/, 'store.refused', 'a value does not fit into', ourFault],
  [
    /^SQLITE_/,
    'store.io',
    'cannot write',
    'check the disk and its cable: dmesg tells more; the store tries again by itself',
  ],
];

/** What the database's error means to us: a stable code, a sentence with the file in it, a hint. */
export function storeFailure(error: unknown, path: string): Failure {
  if (error instanceof GatewayError) return failureOf(error);
  const sqlite = codeOf(error);
  for (const [codes, code, sentence, hint] of kinds) {
    if (codes.test(sqlite)) {
      return { code, message: `${sentence} ${path} (${sqlite}: ${messageOf(error)})`, hint };
    }
  }
  return { code: 'store.refused', message: `${path}: ${messageOf(error)}`, hint: ourFault };
}

/** Whether only the change that raised it is at fault (a value, a constraint) and the others of its batch may go on. */
export function isOfOneChange(error: unknown): boolean {
  return storeFailure(error, '').code === 'store.refused';
}

/** The error as the callers of the store get it. */
export function errorOf({ code, message, hint }: Failure): GatewayError {
  return new GatewayError(code, message, { hint });
}
