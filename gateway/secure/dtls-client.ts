import { dtls } from '../../native/index.ts';
import type { DtlsFacts } from '../../native/types.ts';
import type { Cancel, Clock } from '../base/clock.ts';
import { codeOf, GatewayError } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import { newChannelCounters, type Channel, type Endpoint, type Receiver } from '../channel/channel.ts';
import { Association } from './association.ts';
import { explainDtls } from './dtls-errors.ts';
import { atWallTime } from './expiry.ts';
import { lend } from './key-lending.ts';
import { maxRecordDatagramBytes, recordOverheadBytes } from './suites.ts';

export interface DtlsClientOptions {
  /** The datagram channel that this client opens, owns and closes. */
  readonly below: Channel;
  readonly to: Endpoint;
  readonly clock: Clock;
  /** IANA codes in order of preference. */
  readonly suites: readonly number[];
  readonly serverName: string;
  /**
   * Called once the ServerHello chose the suite. Undefined refuses; a GatewayError thrown here is what `open` rejects
   * with. The key is wiped after use: give a copy.
   */
  readonly psk: (suite: number, identityHint: string | undefined) => { identity: string; key: Secret } | undefined;
  /** What `exportSession` of an earlier session with this server gave. */
  readonly resume?: Secret;
  /** Wall clock of K_AF's end: the session ends then. */
  readonly endsAtMs?: number;
  /** First retransmission of a flight. RFC 6347 §4.2.4.1 names 1 s, RFC 7925 §11 recommends 9 s for slow networks. */
  readonly initialTimeoutMs?: number;
  /** The handshake is given up after this. Ours: five flights at 1, 2, 4, 8 and 16 s. */
  readonly handshakeTimeoutMs?: number;
}

/**
 * A DTLS 1.2 client over a datagram channel, as a channel of its own with one endpoint: the security session. `open`
 * does the handshake. One object is one session: after its end make a new one.
 */
export class DtlsClientChannel implements Channel {
  readonly framing = 'datagram';
  readonly isReliable = false;
  readonly isOrdered = false;
  readonly maxDatagramBytes: number;
  readonly counters = newChannelCounters();
  readonly #options: DtlsClientOptions;
  readonly #mtuBytes: number;
  #association: Association | undefined;
  #receiver: Receiver | undefined;
  #opening: Promise<void> | undefined;
  /** Settles the handshake; undefined before it and after. */
  #settle: ((error?: GatewayError) => void) | undefined;
  #isClosed = false;
  #heardAnything = false;
  #askedForKey = false;
  #cancelTimer: Cancel | undefined;

  constructor(options: DtlsClientOptions) {
    this.#options = options;
    this.#mtuBytes = Math.min(options.below.maxDatagramBytes, maxRecordDatagramBytes);
    this.maxDatagramBytes = this.#mtuBytes - recordOverheadBytes;
  }

  /** The server under this session. Throws before `open` was called. */
  get endpoint(): Endpoint {
    if (!this.#association) throw new GatewayError('dtls.closed', 'this DTLS session is not open');
    return this.#association;
  }

  /** What the handshake agreed on, once open. */
  get facts(): DtlsFacts | undefined {
    return this.#association?.facts;
  }

  open(receiver: Receiver): Promise<void> {
    this.#receiver = receiver;
    return (this.#opening ??= this.#handshake());
  }

  send(octets: Uint8Array, to: Endpoint): void {
    if (octets.length > this.maxDatagramBytes) this.counters.oversized++;
    else if (to !== this.#association || !this.#association.send(octets)) this.counters.sendErrors++;
    else {
      this.counters.datagramsOut++;
      this.counters.octetsOut += octets.length;
    }
  }

  /** Secret octets that resume this session; undefined where it may not be resumed. Ask before `close`. */
  exportSession(): Uint8Array | undefined {
    return this.#association?.exportSession();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#association?.close();
    this.#finish(new GatewayError('dtls.closed', 'the DTLS session was closed by us'));
    await this.#options.below.close();
  }

  async #handshake(): Promise<void> {
    const { below } = this.#options;
    await below.open({
      onDatagram: (octets, from) => this.#onDatagram(octets, from),
      onEndpointLost: (_endpoint, reason) => this.#association?.end(reason),
      onClosed: reason => this.#association?.end(reason),
    });
    try {
      if (this.#isClosed) throw new GatewayError('dtls.closed', 'the DTLS session was closed before it was open');
      await this.#shakeHands();
    } catch (error) {
      await below.close();
      throw explainDtls(error, this.#options.to.key);
    }
  }

  #shakeHands(): Promise<void> {
    const { below, to, clock, handshakeTimeoutMs = 31_000 } = this.#options;
    const association = new Association(this.#createSession(), below, to, clock, {
      onOpen: () => this.#onOpen(),
      onPlaintext: (from, octets) => this.#onPlaintext(from, octets),
      onEnd: (from, reason) => this.#onEnd(from, reason),
    });
    this.#association = association;
    return new Promise((resolve, reject) => {
      this.#settle = error => (error ? reject(error) : resolve());
      this.#cancelTimer = clock.after(handshakeTimeoutMs, () => association.end(this.#silence()));
      association.start();
    });
  }

  #createSession() {
    const { suites, serverName, psk, resume, initialTimeoutMs = 1_000 } = this.#options;
    return dtls.createClient({
      suites,
      serverName,
      mtuBytes: this.#mtuBytes,
      initialTimeoutMs,
      psk: (suite, hint) => {
        this.#askedForKey = true;
        const chosen = psk(suite, hint);
        return chosen && { identity: chosen.identity, key: lend(chosen.key) };
      },
      resume: resume?.reveal(),
    });
  }

  #onDatagram(octets: Uint8Array, from: Endpoint): void {
    if (from !== this.#options.to) return;
    this.#heardAnything = true;
    this.#association?.receive(octets);
  }

  #onOpen(): void {
    const { endsAtMs, clock } = this.#options;
    this.#finish();
    if (endsAtMs !== undefined)
      this.#cancelTimer = atWallTime(clock, endsAtMs, () => this.#association?.end(keyExpired()));
  }

  #onPlaintext(from: Endpoint, octets: Uint8Array): void {
    this.counters.datagramsIn++;
    this.counters.octetsIn += octets.length;
    this.#receiver?.onDatagram(octets, from);
  }

  #onEnd(from: Endpoint, reason: GatewayError): void {
    const wasOpen = this.#settle === undefined;
    this.#finish(codeOf(reason) === 'dtls.timeout' ? this.#silence() : reason);
    if (wasOpen) this.#receiver?.onEndpointLost?.(from, reason);
  }

  /** Ends what waits: the handshake's promise and the timer. */
  #finish(error?: GatewayError): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#settle?.(error);
    this.#settle = undefined;
  }

  /**
   * Silence has three faces. A server that does not know the key may say so (alert 115 or 51), but one that knows
   * another key cannot even read what we send, and drops it.
   */
  #silence(): GatewayError {
    const { to, handshakeTimeoutMs = 31_000 } = this.#options;
    const within = `within ${Math.round(handshakeTimeoutMs / 1000)} s`;
    if (this.#askedForKey) {
      return new GatewayError(
        'dtls.psk-silent',
        `${to.key} took our key in the DTLS handshake and fell silent ${within}`,
        {
          hint: 'so do servers that hold another key for this identity, or none: re-authenticate, compare FQDN and Ua* identifier',
        },
      );
    }
    if (this.#heardAnything) {
      return new GatewayError('dtls.timeout', `${to.key} began the DTLS handshake and did not go on ${within}`, {
        hint: 'large datagrams may be lost on the way, or the server is overloaded',
      });
    }
    return new GatewayError('dtls.no-answer', `${to.key} did not answer our DTLS handshake ${within}`, {
      hint: 'check the address, the port (5684 is usual) and the firewall for UDP in both directions',
    });
  }
}

function keyExpired(): GatewayError {
  return new GatewayError('akma.expired', 'K_AF expired, and the session with it', {
    hint: 'a new key needs a new primary authentication',
  });
}
