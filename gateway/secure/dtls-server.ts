import { randomBytes } from 'node:crypto';
import { dtls } from '../../native/index.ts';
import type { DtlsListener } from '../../native/types.ts';
import { utf8 } from '../base/bytes.ts';
import type { Cancel, Clock } from '../base/clock.ts';
import { GatewayError } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import { newChannelCounters, type Channel, type Endpoint, type Receiver } from '../channel/channel.ts';
import { Association, type AssociationEvents } from './association.ts';
import { clientRandom, contentType, epochOf } from './client-hello.ts';
import { explainDtls } from './dtls-errors.ts';
import { atWallTime } from './expiry.ts';
import { lend } from './key-lending.ts';
import { maxRecordDatagramBytes, recordOverheadBytes } from './suites.ts';

export interface DtlsServerOptions {
  /** The datagram channel that this server opens, owns and closes. */
  readonly below: Channel;
  readonly clock: Clock;
  /** IANA codes in order of preference, which is the server's. */
  readonly suites: readonly number[];
  readonly identityHint?: string;
  /**
   * The key for an identity under the chosen suite; undefined refuses. With `expiresAtMs`, wall clock, the session and
   * its resumption end then. The key is wiped after use: give a copy.
   */
  readonly psk: (identity: string, suite: number) => Secret | { key: Secret; expiresAtMs: number } | undefined;
  /** How long a session may be resumed. 0, which is the default, refuses resumption. */
  readonly resumptionLifetimeMs?: number;
  /** First retransmission of a flight. RFC 6347 §4.2.4.1. */
  readonly initialTimeoutMs?: number;
  readonly handshakeTimeoutMs?: number;
  /** A session that was silent this long, at most twice as long, is closed. Default: never. */
  readonly idleTimeoutMs?: number;
  /** The eldest gives way to a newer one beyond this. Ours: 42 kB each. */
  readonly maxSessions?: number;
  /** A peer that proved its address did not become a session, and why. */
  readonly onRefused?: (from: Endpoint, reason: GatewayError) => void;
}

/** Handshakes under way at once, each past its cookie. Ours. */
const maxHandshakes = 1_024;

/** An association, in its handshake or open. */
interface Held {
  readonly association: Association;
  /** Of the ClientHello that began it: a late copy of that begins nothing. */
  readonly random: string | undefined;
  /** Stops the timer that would end it: of the handshake, then of the key. */
  cancel: Cancel;
}

/**
 * A DTLS 1.2 server over a datagram channel, as a channel with an endpoint for each security session. A peer that starts
 * anew from the same address keeps its old session until the new handshake succeeded, so that a forged ClientHello ends
 * nothing.
 */
export class DtlsServerChannel implements Channel {
  readonly framing = 'datagram';
  readonly isReliable = false;
  readonly isOrdered = false;
  readonly maxDatagramBytes: number;
  readonly counters = newChannelCounters();
  readonly #options: DtlsServerOptions;
  readonly #mtuBytes: number;
  readonly #sessions = new Map<Endpoint, Held>();
  readonly #handshakes = new Map<Endpoint, Held>();
  readonly #events: AssociationEvents;
  #listener: DtlsListener | undefined;
  #receiver: Receiver | undefined;
  #cancelSweep: Cancel | undefined;

  constructor(options: DtlsServerOptions) {
    this.#options = options;
    this.#mtuBytes = Math.min(options.below.maxDatagramBytes, maxRecordDatagramBytes);
    this.maxDatagramBytes = this.#mtuBytes - recordOverheadBytes;
    this.#events = {
      onOpen: association => this.#onOpen(association),
      onPlaintext: (association, octets) => this.#onPlaintext(association, octets),
      onEnd: (association, reason) => this.#onEnd(association, reason),
    };
  }

  /** Security sessions that are open. */
  get sessionCount(): number {
    return this.#sessions.size;
  }

  async open(receiver: Receiver): Promise<void> {
    this.#receiver = receiver;
    if (this.#listener) return;
    this.#listener = this.#createListener();
    await this.#options.below.open({
      onDatagram: (octets, from) => this.#onDatagram(octets, from),
      onEndpointLost: (endpoint, reason) => {
        this.#handshakes.get(endpoint)?.association.end(reason);
        this.#sessions.get(endpoint)?.association.end(reason);
      },
      onClosed: reason => receiver.onClosed?.(reason),
    });
    this.#sweepLater();
  }

  send(octets: Uint8Array, to: Endpoint): void {
    const isOurs = to instanceof Association && this.#sessions.get(to.below)?.association === to;
    if (octets.length > this.maxDatagramBytes) this.counters.oversized++;
    else if (!isOurs || !to.send(octets)) this.counters.sendErrors++;
    else {
      this.counters.datagramsOut++;
      this.counters.octetsOut += octets.length;
    }
  }

  async close(): Promise<void> {
    this.#cancelSweep?.();
    for (const { association, cancel } of [...this.#handshakes.values(), ...this.#sessions.values()]) {
      cancel();
      association.close();
    }
    this.#handshakes.clear();
    this.#sessions.clear();
    await this.#options.below.close();
  }

  #createListener(): DtlsListener {
    const { suites, identityHint, psk, resumptionLifetimeMs = 0, initialTimeoutMs = 1_000, clock } = this.#options;
    return dtls.createListener({
      suites,
      identityHint,
      mtuBytes: this.#mtuBytes,
      initialTimeoutMs,
      cookieSecret: randomBytes(32),
      psk: (identity, suite) => {
        const answer = psk(identity, suite);
        if (!answer) return undefined;
        return 'key' in answer ? { key: lend(answer.key), expiresAtMs: answer.expiresAtMs } : lend(answer);
      },
      mayResume: (_identity, expiresAtMs) => expiresAtMs === undefined || clock.wallMs() < expiresAtMs,
      resumptionLifetimeSeconds: Math.floor(resumptionLifetimeMs / 1000),
    });
  }

  /** Which of the address's two associations, the open one or the one to come, a datagram is for. */
  #onDatagram(octets: Uint8Array, from: Endpoint): void {
    const session = this.#sessions.get(from);
    if (octets[0] === contentType.applicationData && session) return session.association.receive(octets);
    const handshake = this.#handshakes.get(from);
    const random = clientRandom(octets);
    const isNew = random !== undefined && random !== handshake?.random && random !== session?.random;
    if (isNew || (!session && !handshake)) this.#listen(octets, from, random);
    else this.#chosen(octets, session, handshake)?.association.receive(octets);
  }

  #chosen(octets: Uint8Array, session: Held | undefined, handshake: Held | undefined): Held | undefined {
    if (!session || !handshake) return session ?? handshake;
    // An alert under keys is the open session's to read: the handshake has none yet.
    return octets[0] === contentType.alert && epochOf(octets) > 0 ? session : handshake;
  }

  #listen(octets: Uint8Array, from: Endpoint, random: string | undefined): void {
    const { below, clock, handshakeTimeoutMs = 31_000 } = this.#options;
    if (!this.#listener || this.#handshakes.size >= maxHandshakes) return;
    const { reply, session, failure } = this.#listener.receive(octets, utf8(from.key));
    for (const datagram of reply) below.send(datagram, from);
    if (failure) this.#options.onRefused?.(from, explainDtls(failure, from.key));
    if (!session) return;
    this.#abandonHandshake(from);
    const association = new Association(session, below, from, clock, this.#events);
    const giveUp = (): void =>
      association.end(new GatewayError('dtls.timeout', `${from.key} did not finish its DTLS handshake`));
    this.#handshakes.set(from, { association, random, cancel: clock.after(handshakeTimeoutMs, giveUp) });
    association.answer();
  }

  #onOpen(association: Association): void {
    const { below } = association;
    const held = this.#leaveHandshake(association);
    if (!held) return;
    this.#sessions
      .get(below)
      ?.association.end(new GatewayError('dtls.replaced', `${below.key} made a new DTLS session`));
    this.#sessions.set(below, held);
    this.#endAtExpiry(held);
    const { maxSessions = 10_000 } = this.#options;
    if (this.#sessions.size <= maxSessions) return;
    const [eldest] = this.#sessions.values();
    const reason = `more than ${maxSessions} DTLS sessions: the eldest gave way`;
    eldest.association.end(new GatewayError('dtls.too-many-sessions', reason));
  }

  #endAtExpiry(held: Held): void {
    const { association } = held;
    const expiresAtMs = association.facts?.expiresAtMs;
    if (expiresAtMs === undefined) return;
    const end = (): void => association.end(new GatewayError('akma.expired', `the key of ${association.key} expired`));
    held.cancel = atWallTime(this.#options.clock, expiresAtMs, end);
  }

  #onPlaintext(from: Association, octets: Uint8Array): void {
    this.counters.datagramsIn++;
    this.counters.octetsIn += octets.length;
    this.#receiver?.onDatagram(octets, from);
  }

  #onEnd(association: Association, reason: GatewayError): void {
    if (this.#leaveHandshake(association)) this.#options.onRefused?.(association.below, reason);
    const held = this.#sessions.get(association.below);
    if (held?.association !== association) return;
    held.cancel();
    this.#sessions.delete(association.below);
    this.#receiver?.onEndpointLost?.(association, reason);
  }

  #leaveHandshake(association: Association): Held | undefined {
    const held = this.#handshakes.get(association.below);
    if (held?.association !== association) return undefined;
    held.cancel();
    this.#handshakes.delete(association.below);
    return held;
  }

  /** A peer that begins once more has forgotten what it began before. */
  #abandonHandshake(from: Endpoint): void {
    const held = this.#handshakes.get(from);
    if (!held) return;
    held.cancel();
    held.association.close();
    this.#handshakes.delete(from);
  }

  /** Looks at all sessions once in an idle timeout, so that no timer has to be moved for each datagram. */
  #sweepLater(): void {
    const { idleTimeoutMs, clock } = this.#options;
    if (idleTimeoutMs === undefined) return;
    this.#cancelSweep = clock.after(idleTimeoutMs, () => {
      for (const { association } of [...this.#sessions.values()]) {
        if (association.wasHeard) association.wasHeard = false;
        else
          association.end(new GatewayError('dtls.idle', `${association.key} was silent for ${idleTimeoutMs / 1000} s`));
      }
      this.#sweepLater();
    });
  }
}
