import type { Clock } from '../base/clock.ts';
import { GatewayError } from '../base/errors.ts';
import { silentLog, type Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { Channel, Endpoint, Receiver } from '../channel/channel.ts';
import { encodeEmpty, FormatFault, messageIdOf, messageType, parseMessage, typeOf, type CoapMessage } from './codec.ts';
import { codeClass, emptyCode, isReservedClass } from './codes.ts';
import { createOptionCheck } from './option-check.ts';
import { coapParameters } from './parameters.ts';
import { Peers } from './peers.ts';
import { ReceivedMessages } from './received.ts';
import { Requester } from './requester.ts';
import { Responder } from './responder.ts';
import { Sender } from './sender.ts';
import { newCoapCounters } from './types.ts';
import type {
  CoapCounters,
  CoapEndpoint,
  CoapParameters,
  CoapRequest,
  IncomingResponse,
  RequestHandler,
} from './types.ts';

export interface CoapEndpointOptions {
  readonly channel: Channel;
  readonly clock: Clock;
  readonly random: Random;
  /** What departs from the RFC's defaults: see `coapParameters`. */
  readonly parameters?: Partial<CoapParameters>;
  /** Without one this is a client alone: requests to it are rejected. */
  readonly handler?: RequestHandler;
  /** Critical options that the handler copes with, beside Uri-Host, -Port, -Path, -Query and Accept. */
  readonly understood?: readonly number[];
  readonly log?: Log;
  /** Counts on in these, where endpoints follow each other on one way. */
  readonly counters?: CoapCounters;
  /** Told of each datagram that is not a message, for whoever counts or audits by endpoint. */
  readonly onMalformed?: (from: Endpoint, fault: FormatFault) => void;
}

/**
 * Both roles of RFC 7252 over one datagram channel.
 *
 * ```
 *   request(), ping()                          handler
 *        |                                        ^
 *   Requester (tokens, responses)          Responder (piggybacked, separate)     exchanges, RFC 7252 §5
 *        |            \                      /        |
 *        |             Sender (NSTART, Message IDs,   |
 *        |                 retransmission)            Received (deduplication)   messages, §4
 *        \________________ endpoint: what kind of message is this ____/
 *                              codec, channel                                    octets, §3
 * ```
 *
 * Where later parts go in: Block (RFC 7959) wraps `request` and `handler`, and names its options in `understood`;
 * Observe (RFC 7641) keeps a token open in the Requester, and sends its notifications as `response` through the Sender.
 */
export function createCoapEndpoint(options: CoapEndpointOptions): CoapEndpoint {
  return new DatagramEndpoint(options);
}

class DatagramEndpoint implements CoapEndpoint, Receiver {
  readonly counters: CoapCounters;
  readonly #channel: Channel;
  readonly #clock: Clock;
  readonly #onMalformed: ((from: Endpoint, fault: FormatFault) => void) | undefined;
  readonly #peers: Peers;
  readonly #received: ReceivedMessages;
  readonly #sender: Sender;
  readonly #requester: Requester;
  readonly #responder: Responder;
  #state: 'new' | 'started' | 'stopped' = 'new';
  #starting: Promise<void> | undefined;

  constructor(options: CoapEndpointOptions) {
    const { channel, clock, random, handler, understood, log = silentLog, onMalformed } = options;
    const parameters = coapParameters(options.parameters);
    const { counters = newCoapCounters() } = options;
    this.counters = counters;
    const check = createOptionCheck(understood);
    this.#channel = channel;
    this.#clock = clock;
    this.#onMalformed = onMalformed;
    this.#peers = new Peers(clock, random, parameters, counters);
    this.#received = new ReceivedMessages(clock, parameters, counters);
    this.#sender = new Sender(channel, clock, random, parameters, counters, outgoing =>
      this.#requester.onEnded(outgoing),
    );
    const parts = { channel, clock, counters, parameters, check, log };
    this.#requester = new Requester(parts, random, this.#peers, this.#received, this.#sender);
    this.#responder = new Responder(parts, handler, this.#peers, this.#received, this.#sender);
  }

  start(): Promise<void> {
    if (this.#state === 'stopped') return Promise.reject(stopped());
    return (this.#starting ??= this.#channel.open(this).then(
      () => {
        if (this.#state === 'new') this.#state = 'started';
      },
      (error: unknown) => {
        this.#starting = undefined;
        throw error;
      },
    ));
  }

  request(to: Endpoint, request: CoapRequest): Promise<IncomingResponse> {
    if (this.#state !== 'started') return Promise.reject(stopped());
    return this.#requester.request(to, request);
  }

  ping(to: Endpoint): Promise<number> {
    if (this.#state !== 'started') return Promise.reject(stopped());
    return this.#requester.ping(to);
  }

  async stop(): Promise<void> {
    if (this.#state !== 'stopped') {
      this.#state = 'stopped';
      this.#responder.stop();
      this.#failAll(stopped());
      this.#sender.stop();
      this.#received.stop();
      this.#peers.stop();
    }
    await this.#channel.close();
  }

  onDatagram(octets: Uint8Array, from: Endpoint): void {
    if (this.#state !== 'started') return;
    const message = parseMessage(octets);
    if (message instanceof FormatFault) return this.#onFault(octets, from, message);
    const { type, code } = message;
    if (code === emptyCode) this.#onEmpty(message, from);
    else if (isReservedClass(code))
      this.#onFault(octets, from, new FormatFault(1, `reserved code class ${codeClass(code)}`));
    else if (type === messageType.rst) this.#onFault(octets, from, new FormatFault(1, 'Reset that is not empty'));
    else if (codeClass(code) !== 0) this.#requester.onResponse(message, from, this.#clock.monotonicMs());
    else if (type === messageType.ack) this.#onFault(octets, from, new FormatFault(1, 'request in an Acknowledgement'));
    else this.#responder.onRequest(message, from, octets.length, this.#clock.monotonicMs());
  }

  onEndpointLost(endpoint: Endpoint, reason: GatewayError): void {
    const peer = this.#peers.find(endpoint);
    if (peer) this.#sender.failAll(peer, lost(endpoint.key, reason));
  }

  onClosed(reason: GatewayError): void {
    this.#failAll(lost('the channel', reason));
  }

  /** CON is rejected with a Reset, all others in silence; so is what has no Message ID or is of another version. RFC 7252 §3, §4.2, §4.3. */
  #onFault(octets: Uint8Array, from: Endpoint, fault: FormatFault): void {
    this.counters.formatErrors++;
    if (octets.length >= 4 && octets[0] >>> 6 === 1 && typeOf(octets) === messageType.con) {
      this.#reset(messageIdOf(octets), from);
    }
    this.#onMalformed?.(from, fault);
  }

  /** RFC 7252 §4.1 to §4.3: an empty CON is a ping, answered by Reset; an empty NON means nothing. */
  #onEmpty({ type, messageId }: CoapMessage, from: Endpoint): void {
    if (type === messageType.con) return this.#reset(messageId, from);
    if (type === messageType.non) {
      this.counters.formatErrors++;
      this.#onMalformed?.(from, new FormatFault(1, 'empty Non-confirmable message'));
      return;
    }
    if (type === messageType.rst) this.counters.resetsIn++;
    const outgoing = this.#peers.find(from)?.sent.get(messageId);
    if (outgoing === undefined) return;
    if (type === messageType.rst) this.#requester.onReset(outgoing);
    else if (outgoing.kind === 'ping') this.#requester.onReset(outgoing);
    else this.#sender.onAcknowledged(outgoing, this.#clock.monotonicMs());
  }

  #reset(messageId: number, to: Endpoint): void {
    this.counters.resetsOut++;
    this.#channel.send(encodeEmpty(messageType.rst, messageId), to);
  }

  #failAll(error: GatewayError): void {
    for (const peer of this.#peers.values()) this.#sender.failAll(peer, error);
  }
}

function stopped(): GatewayError {
  return new GatewayError('coap.stopped', 'the CoAP endpoint does not run');
}

function lost(what: string, cause: GatewayError): GatewayError {
  return new GatewayError('coap.endpoint-lost', `lost ${what}: ${cause.message}`, { cause, hint: cause.hint });
}
