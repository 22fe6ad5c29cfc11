import type { Cancel, Clock } from '../base/clock.ts';
import { codeOf, GatewayError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import { utf8 } from '../base/bytes.ts';
import type { Channel } from '../channel/channel.ts';
import { method } from '../coap/codes.ts';
import { createCoapEndpoint } from '../coap/endpoint.ts';
import { option } from '../coap/options.ts';
import type {
  CoapEndpoint,
  CoapCounters,
  CoapOption,
  CoapParameters,
  IncomingResponse,
  RequestHandler,
} from '../coap/types.ts';
import type { SecureChannel } from './transport.ts';

export interface LineOptions {
  readonly channel: SecureChannel;
  readonly uriPath: readonly string[];
  /** The server's own requests. */
  readonly onRequest: RequestHandler;
  /** An exchange succeeded. */
  readonly onProof: (roundTripMs: number) => void;
  readonly pingAfterSilenceMs: number;
  readonly coap?: Partial<CoapParameters>;
  /** Of all sessions with this server. */
  readonly counters: CoapCounters;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** "Up" means proved within this time. docs/architecture.md */
const provedWithinMs = 60_000;

/** Ours: a ping that comes later than this could not prove anything in time any more. */
const latestPingMs = provedWithinMs / 2;

/** application/json. RFC 7252 §12.3. */
const jsonFormat = Uint8Array.of(50);

/**
 * One security session with the server and the CoAP on it. Each has a CoAP endpoint of its own, so an answer that comes
 * on another session or epoch meets no request (RFC 7252 §9.1.2). It lives from `open` until `lost` says why it ended.
 */
export class Line {
  /** Resolves once, when this session is of no use any more. */
  readonly lost: Promise<GatewayError>;
  readonly #options: LineOptions;
  readonly #coap: CoapEndpoint;
  readonly #requestOptions: readonly CoapOption[];
  readonly #pingAfterMs: number;
  #lose: (reason: GatewayError) => void = () => {};
  #provedAtMs = 0;
  #isPinging = false;
  #cancelWatch: Cancel | undefined;

  constructor(options: LineOptions) {
    const { channel, clock, random, log, onRequest } = options;
    this.#options = options;
    this.lost = new Promise(resolve => (this.#lose = resolve));
    this.#coap = createCoapEndpoint({
      channel: overhear(channel, reason => this.#lose(reason)),
      clock,
      random,
      log,
      parameters: options.coap,
      counters: options.counters,
      handler: onRequest,
    });
    this.#requestOptions = [
      ...options.uriPath.map(segment => ({ number: option.uriPath, value: utf8(segment) })),
      { number: option.contentFormat, value: jsonFormat },
    ];
    this.#pingAfterMs = Math.min(options.pingAfterSilenceMs, latestPingMs);
  }

  /** Does the handshake. */
  open(): Promise<void> {
    return this.#coap.start();
  }

  /** Begins to prove that the server is there; a success that was just had counts as the first proof. */
  watch(): void {
    this.#provedAtMs = this.#options.clock.monotonicMs();
    this.#look();
  }

  /** POSTs JSON to the server's resource. An exchange without an answer ends the line. */
  async post(payload: Uint8Array, confirmable = true): Promise<IncomingResponse> {
    const { channel } = this.#options;
    const request = { code: method.post, options: this.#requestOptions, payload, confirmable };
    try {
      const response = await this.#coap.request(channel.endpoint, request);
      this.#prove(response.roundTripMs);
      return response;
    } catch (error) {
      // A NON without an answer says nothing about the way.
      if (confirmable) this.#judge(error);
      throw error;
    }
  }

  /** Says close_notify; `lost` resolves, unless it has. */
  async close(reason: GatewayError): Promise<void> {
    this.#cancelWatch?.();
    this.#lose(reason);
    await this.#coap.stop();
  }

  #prove(roundTripMs: number): void {
    this.#provedAtMs = this.#options.clock.monotonicMs();
    this.#options.onProof(roundTripMs);
  }

  #judge(error: unknown): void {
    if (error instanceof GatewayError && codeOf(error) === 'coap.no-answer') this.#lose(error);
  }

  #look(): void {
    const silentMs = this.#options.clock.monotonicMs() - this.#provedAtMs;
    if (silentMs >= provedWithinMs) return this.#lose(notProved());
    if (silentMs >= this.#pingAfterMs && !this.#isPinging) void this.#ping();
    const nextMs = (this.#isPinging ? provedWithinMs : this.#pingAfterMs) - silentMs;
    this.#cancelWatch = this.#options.clock.after(Math.max(1, nextMs), () => this.#look());
  }

  async #ping(): Promise<void> {
    this.#isPinging = true;
    try {
      this.#prove(await this.#coap.ping(this.#options.channel.endpoint));
    } catch (error) {
      return this.#judge(error);
    } finally {
      this.#isPinging = false;
    }
    this.#cancelWatch?.();
    this.#look();
  }
}

/** The same channel, whose end is told to us as well as to the CoAP endpoint on it. */
function overhear(channel: Channel, onEnd: (reason: GatewayError) => void): Channel {
  const { framing, maxDatagramBytes, isReliable, isOrdered, counters } = channel;
  return {
    framing,
    maxDatagramBytes,
    isReliable,
    isOrdered,
    counters,
    open: receiver =>
      channel.open({
        onDatagram: (octets, from) => receiver.onDatagram(octets, from),
        onEndpointLost(endpoint, reason) {
          onEnd(reason);
          receiver.onEndpointLost?.(endpoint, reason);
        },
        onClosed(reason) {
          onEnd(reason);
          receiver.onClosed?.(reason);
        },
      }),
    send: (octets, to) => channel.send(octets, to),
    close: () => channel.close(),
  };
}

function notProved(): GatewayError {
  return new GatewayError(
    'session.not-proved',
    `the server proved itself for ${provedWithinMs / 1000} s with no exchange`,
    {
      hint: 'it may be away, have forgotten the session, or a NAT on the way may have',
    },
  );
}
