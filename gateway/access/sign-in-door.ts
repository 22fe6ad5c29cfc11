import { rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { GatewayError, codeOf, messageOf } from '../base/errors.ts';

/** Beside the data, where only its owner comes: whoever may read the keys may also sign in. */
const socketName = 'sign-in.sock';

/** A local program that is there answers at once. */
const answerWithinMs = 2_000;

/**
 * Gives a fresh link to the dashboard to whoever may open a socket in the data directory: the way back in when the cookie
 * is gone, without a restart. Resolves to how to close it.
 */
export function openSignInDoor(directory: string, newLink: () => string): Promise<() => Promise<void>> {
  const path = join(directory, socketName);
  // Left by a crash; the directory's lock says that it is nobody else's.
  rmSync(path, { force: true });
  const server = createServer(socket => {
    socket.on('error', () => {});
    socket.end(`${newLink()}\n`);
  });
  return new Promise((resolve, reject) => {
    server.once('error', cause =>
      reject(
        new GatewayError('access.sign-in-door', `cannot open ${path}: ${messageOf(cause)}`, {
          cause,
          hint: 'the data directory must be writable, and its path no longer than 90 characters',
        }),
      ),
    );
    // The socket must never be anybody else's, not even between making it and changing its mode.
    const before = process.umask(0o177);
    server.listen(path, () => resolve(() => closed(server)));
    process.umask(before);
  });
}

/** A link from the gateway that runs on this data directory. Throws `access.no-gateway` when there is none. */
export function askForLink(directory: string): Promise<string> {
  const path = join(directory, socketName);
  return new Promise((resolve, reject) => {
    const nobody = (cause: unknown): void =>
      reject(
        new GatewayError('access.no-gateway', `no gateway answers on ${directory} (${codeOf(cause)})`, {
          cause,
          hint: 'start it with "fieldgate run", or give its data directory with --data',
        }),
      );
    let text = '';
    const socket = connect(path);
    socket.setTimeout(answerWithinMs, () => socket.destroy(new Error('no answer')));
    socket.on('error', nobody);
    socket.on('data', octets => (text += octets));
    socket.on('end', () => resolve(text.trim()));
  });
}

function closed(server: Server): Promise<void> {
  return new Promise(resolve => server.close(() => resolve()));
}
