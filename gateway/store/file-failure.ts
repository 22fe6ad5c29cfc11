import { GatewayError, codeOf, messageOf } from '../base/errors.ts';

const kinds: Readonly<Record<string, readonly [code: string, sentence: string, hint: string]>> = {
  ENOENT: ['store.no-directory', 'there is no', 'make the data directory first, or give another with --data'],
  ENOTDIR: ['store.no-directory', 'not a directory:', 'give another data directory with --data'],
  EACCES: [
    'store.permission',
    'not allowed to write',
    'the user that runs Fieldgate must own the data directory and its files',
  ],
  EPERM: [
    'store.permission',
    'not allowed to write',
    'the user that runs Fieldgate must own the data directory and its files',
  ],
  EROFS: ['store.permission', 'read-only file system:', 'give another data directory with --data'],
  ENOSPC: ['store.disk-full', 'no space left for', 'free some space'],
};

/** A system error about one of our files as the store's code, sentence and hint. */
export function fileFailure(cause: unknown, path: string): GatewayError {
  if (cause instanceof GatewayError) return cause;
  const [code, sentence, hint] = kinds[codeOf(cause)] ?? ['store.io', 'cannot use', 'check the disk: dmesg tells more'];
  return new GatewayError(code, `${sentence} ${path} (${messageOf(cause)})`, { cause, hint });
}
