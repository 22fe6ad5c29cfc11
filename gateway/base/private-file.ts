import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Writes a file for its owner only (mode 0600). On disk when this returns. */
export function writePrivateFile(path: string, content: string | Uint8Array): void {
  const file = openSync(path, 'w', 0o600);
  try {
    writeSync(file, typeof content === 'string' ? Buffer.from(content) : content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** The same for a file that may be there: a reader sees the one before or the new one, after a power cut too, never a part. */
export function replacePrivateFile(path: string, content: string | Uint8Array): void {
  const draft = `${path}.new`;
  writePrivateFile(draft, content);
  renameSync(draft, path);
  const directory = openSync(dirname(path), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
