import type { Cancel, Clock } from '../gateway/base/clock.ts';
import { codeOf, messageOf } from '../gateway/base/errors.ts';
import type { Log } from '../gateway/base/log.ts';
import type { DtlsSession } from '../native/types.ts';
import type { DtlsPeer, DtlsServerHandlers } from './dtls-server.ts';

export interface DtlsAssociationSetup {
  readonly id: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly handlers: DtlsServerHandlers;
  readonly send: (datagram: Uint8Array) => void;
  /** Called when no session is left. */
  readonly gone: () => void;
}

/** Record types of RFC 6347 §4.1 and TLS. */
const recordType = { handshake: 22, applicationData: 23 };

/**
 * What the server has with one address: an open session, and at times a second one whose handshake runs beside it, because
 * the client lost its state and begins anew from the same port. The open one ends only when the new one is through.
 * RFC 6347 §4.2.8
 */
export class DtlsAssociation {
  readonly #setup: DtlsAssociationSetup;
  #open: { session: DtlsSession; peer: DtlsPeer } | undefined;
  #candidate: DtlsSession | undefined;
  readonly #timers = new Map<DtlsSession, Cancel>();

  constructor(setup: DtlsAssociationSetup) {
    this.#setup = setup;
  }

  get isHandshaking(): boolean {
    return this.#candidate !== undefined;
  }

  /** Takes a session from the listener, its first flight waiting to be sent. */
  adopt(session: DtlsSession): void {
    if (this.#candidate) this.#drop(this.#candidate);
    this.#candidate = session;
    this.#settle(session);
  }

  receive(datagram: Uint8Array): void {
    const isForOpen = !this.#candidate || (this.#open && datagram[0] === recordType.applicationData);
    const session = isForOpen ? this.#open?.session : this.#candidate;
    if (!session) return;
    this.#drive(session, () => {
      const plaintexts = session.receive(datagram);
      // The record that ends the handshake may come with application data behind it.
      this.#settle(session);
      if (this.#open?.session !== session) return;
      const { peer } = this.#open;
      for (const plaintext of plaintexts) this.#setup.handlers.received(peer, plaintext);
    });
  }

  /** Ends with close_notify. */
  close(): void {
    for (const session of [this.#candidate, this.#open?.session]) {
      if (session) this.#drive(session, () => session.close());
    }
  }

  /** Ends without a word. */
  abandon(): void {
    for (const session of [this.#candidate, this.#open?.session]) if (session) this.#drop(session);
  }

  #drive(session: DtlsSession, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#setup.log.info('a session failed', { peer: this.#setup.id, code: codeOf(error), reason: messageOf(error) });
    }
    this.#settle(session);
  }

  /** Sends what the engine wants sent, sets its timer, and follows its change of state. */
  #settle(session: DtlsSession): void {
    for (const datagram of session.takeDatagrams()) this.#setup.send(datagram);
    this.#timers.get(session)?.();
    this.#timers.delete(session);
    if (session.state === 'closed') return this.#drop(session);
    if (session.state === 'open' && session === this.#candidate) this.#promote(session);
    const deadlineMs = session.deadlineMs();
    if (deadlineMs === undefined) return;
    const expire = (): void => this.#drive(session, () => session.handleTimeout());
    this.#timers.set(session, this.#setup.clock.after(deadlineMs, expire));
  }

  #promote(session: DtlsSession): void {
    const previous = this.#open;
    const peer: DtlsPeer = {
      id: this.#setup.id,
      facts: session.facts(),
      send: plaintext => this.#drive(session, () => this.#setup.send(session.send(plaintext))),
      close: () => this.#drive(session, () => session.close()),
    };
    this.#candidate = undefined;
    this.#open = { session, peer };
    if (previous) this.#setup.handlers.closed(previous.peer);
    this.#setup.handlers.opened(peer);
  }

  #drop(session: DtlsSession): void {
    this.#timers.get(session)?.();
    this.#timers.delete(session);
    if (session === this.#candidate) this.#candidate = undefined;
    if (session === this.#open?.session) {
      const { peer } = this.#open;
      this.#open = undefined;
      this.#setup.handlers.closed(peer);
    }
    if (!this.#candidate && !this.#open) this.#setup.gone();
  }
}

/**
 * Tells a ClientHello by its first record; `isFirst` when it opens a handshake, message_seq 0, and is not the copy with the
 * cookie. RFC 6347 §4.1, §4.2.2
 */
export function clientHello(datagram: Uint8Array): { isFirst: boolean } | undefined {
  const isEpoch0 = datagram[3] === 0 && datagram[4] === 0;
  const isClientHello = datagram.length > 18 && datagram[0] === recordType.handshake && isEpoch0 && datagram[13] === 1;
  return isClientHello ? { isFirst: datagram[17] === 0 && datagram[18] === 0 } : undefined;
}
