import { addon, type Handle } from './addon.ts';
import { serverOwner } from './owner.ts';
import { nothing, Session } from './session.ts';
import { lastError } from './status.ts';
import type { DtlsHeard, DtlsListener, DtlsServerOptions } from './types.ts';

export class Listener implements DtlsListener {
  readonly #addon = addon();
  readonly #handle: Handle;
  readonly #options: DtlsServerOptions;

  constructor(options: DtlsServerOptions) {
    const { suites, identityHint, resumptionLifetimeSeconds, mtuBytes, initialTimeoutMs, cookieSecret } = options;
    const context = this.#addon.createContext(true, suites, identityHint, resumptionLifetimeSeconds);
    this.#handle = this.#addon.createListener(context, mtuBytes, initialTimeoutMs, cookieSecret);
    this.#options = options;
  }

  receive(datagram: Uint8Array, peer: Uint8Array): DtlsHeard {
    const owner = serverOwner(this.#options);
    const handle = this.#addon.listen(this.#handle, datagram, peer, owner);
    if (!handle) return { reply: this.#addon.takeReplies(this.#handle) };
    const failure = lastError(this.#addon, handle, owner);
    const session = new Session(handle, owner, true);
    return failure ? { reply: session.takeDatagrams(), failure } : { reply: nothing, session };
  }
}
