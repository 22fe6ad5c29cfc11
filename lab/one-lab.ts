import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { createServer } from 'node:net';
import { GatewayError, codeOf } from '../gateway/base/errors.ts';

/**
 * Takes a directory for this process, so that a second lab does not put its key, its terminals and its lines into the
 * files of the first. An abstract socket is named after the directory, and the kernel lets go of it with the process, however
 * that ends. unix(7).
 */
export function takeDirectory(directory: string): Promise<void> {
  const sentinel = createServer(socket => socket.destroy());
  sentinel.unref();
  return new Promise((resolve, reject) => {
    sentinel.once('error', cause => reject(codeOf(cause) === 'EADDRINUSE' ? taken(directory) : cause));
    // A hash, because the name of a socket has 107 octets at most.
    const name = createHash('sha256').update(realpathSync(directory)).digest('hex');
    sentinel.listen(`\0fieldgate-lab-${name}`, resolve);
  });
}

function taken(directory: string): GatewayError {
  return new GatewayError('lab.taken', `another lab runs in ${directory}`, {
    hint: 'use that one, stop it, or give another directory with --data',
  });
}
