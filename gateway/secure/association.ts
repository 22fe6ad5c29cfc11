import type { DtlsFacts, DtlsSession } from '../../native/types.ts';
import type { Cancel, Clock } from '../base/clock.ts';
import { GatewayError } from '../base/errors.ts';
import type { Channel, Endpoint, SecurityContext } from '../channel/channel.ts';
import { explainDtls } from './dtls-errors.ts';

/** What an association tells its owner. After `onEnd` it tells nothing more. */
export interface AssociationEvents {
  onOpen(association: Association, facts: DtlsFacts): void;
  onPlaintext(association: Association, octets: Uint8Array): void;
  onEnd(association: Association, reason: GatewayError): void;
}

let lastNumber = 0;

/**
 * Drives one native session over a datagram channel: feeds it what comes in, sends what it makes, keeps the timer of its
 * handshake. It is the Endpoint of its own security session: a new handshake is a new object.
 */
export class Association implements Endpoint {
  readonly key: string;
  readonly below: Endpoint;
  /** The peer was heard since this was last set to false. */
  wasHeard = true;
  readonly #session: DtlsSession;
  readonly #channel: Channel;
  readonly #clock: Clock;
  readonly #events: AssociationEvents;
  #facts: DtlsFacts | undefined;
  #security: SecurityContext | undefined;
  #cancelTimer: Cancel | undefined;
  #isOver = false;

  constructor(session: DtlsSession, channel: Channel, below: Endpoint, clock: Clock, events: AssociationEvents) {
    this.key = `dtls:${++lastNumber}:${below.key}`;
    this.below = below;
    this.#session = session;
    this.#channel = channel;
    this.#clock = clock;
    this.#events = events;
  }

  get facts(): DtlsFacts | undefined {
    return this.#facts;
  }

  get security(): SecurityContext | undefined {
    return this.#security;
  }

  /** Records that were dropped: forged, replayed, of another epoch. */
  get dropped(): number {
    return this.#session.dropped();
  }

  /** Client: makes the first flight. */
  start(): void {
    this.#during(() => this.#session.start());
  }

  /** Server: the session took its first datagram in before it came here. Sends its flight. */
  answer(): void {
    this.#during(() => {});
  }

  receive(datagram: Uint8Array): void {
    if (this.#isOver) return;
    let plaintexts: readonly Uint8Array[];
    try {
      plaintexts = this.#session.receive(datagram);
    } catch (error) {
      return this.#fail(error);
    }
    // The handshake may end with the very datagram that carries the first plaintext.
    if (this.#facts === undefined) this.#noteOpen();
    for (const plaintext of plaintexts) {
      if (this.#isOver) return;
      this.wasHeard = true;
      this.#events.onPlaintext(this, plaintext);
    }
    if (!this.#isOver) this.#settle();
  }

  /** Whether it was sealed and given to the channel. */
  send(plaintext: Uint8Array): boolean {
    if (this.#isOver || this.#facts === undefined) return false;
    try {
      this.#channel.send(this.#session.send(plaintext), this.below);
      return true;
    } catch (error) {
      // Too large is this datagram's fault; anything else is the session's end.
      if (this.#session.state !== 'open') this.#fail(error);
      return false;
    }
  }

  /** Secret octets that resume this session, where it may be resumed. */
  exportSession(): Uint8Array | undefined {
    return this.#isOver ? undefined : this.#session.exportSession();
  }

  /** Says close_notify and ends without telling the owner. May be called twice. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelTimer?.();
    this.#session.close();
    this.#flush();
  }

  /** Ends and tells the owner why. */
  end(reason: GatewayError): void {
    if (this.#isOver) return;
    this.close();
    this.#events.onEnd(this, reason);
  }

  #during(act: () => void): void {
    if (this.#isOver) return;
    try {
      act();
    } catch (error) {
      return this.#fail(error);
    }
    this.#settle();
  }

  /** After every call that may have made datagrams or changed the state. */
  #settle(): void {
    this.#flush();
    if (this.#facts === undefined) this.#noteOpen();
    if (this.#session.state === 'closed') {
      this.end(
        new GatewayError('dtls.closed', `${this.below.key} closed the DTLS session`, {
          hint: 'the log of the other end says why',
        }),
      );
    } else if (this.#facts === undefined) this.#armTimer();
  }

  #noteOpen(): void {
    if (this.#isOver || this.#session.state !== 'open') return;
    const facts = this.#session.facts();
    this.#facts = facts;
    this.#security = { protocol: 'DTLS 1.2', suite: facts.suite, identity: facts.identity };
    this.#cancelTimer?.();
    this.#flush();
    this.#events.onOpen(this, facts);
  }

  /** Retransmission of handshake flights: the engine says when, the clock waits. RFC 6347 §4.2.4. */
  #armTimer(): void {
    this.#cancelTimer?.();
    const deadlineMs = this.#session.deadlineMs();
    if (deadlineMs === undefined) return;
    this.#cancelTimer = this.#clock.after(deadlineMs, () => this.#during(() => this.#session.handleTimeout()));
  }

  #fail(error: unknown): void {
    this.end(explainDtls(error, this.below.key));
  }

  #flush(): void {
    for (const datagram of this.#session.takeDatagrams()) this.#channel.send(datagram, this.below);
  }
}
