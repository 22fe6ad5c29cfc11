import { addon, type Handle } from './addon.ts';
import { Listener } from './listener.ts';
import { clientOwner } from './owner.ts';
import { Session } from './session.ts';
import type { Dtls, DtlsClientOptions } from './types.ts';

export { DtlsError } from './dtls-error.ts';

/** DTLS 1.2 with pre-shared keys: OpenSSL, linked into the addon. Throws `dtls.addon-missing` at its first use without one. */
export const dtls: Dtls = {
  get opensslVersion() {
    return addon().opensslVersion;
  },
  createClient: options => new Session(createClient(options), clientOwner(options)),
  createListener: options => new Listener(options),
};

/** No core file of this process from here on: it would hold keys. @returns whether the system agreed */
export function forbidCoreDumps(): boolean {
  return addon().forbidCoreDumps();
}

/** A context costs far more than a session, and clients come one by one. */
const clientContexts = new Map<string, Handle>();

function createClient(options: DtlsClientOptions): Handle {
  const key = options.suites.join();
  let context = clientContexts.get(key);
  if (!context) {
    context = addon().createContext(false, options.suites, undefined, 0);
    clientContexts.set(key, context);
  }
  return addon().createClient(context, options.mtuBytes, options.initialTimeoutMs, options.serverName, options.resume);
}
