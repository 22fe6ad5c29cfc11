import { utf8 } from '../base/bytes.ts';
import { errorFacts } from '../base/log.ts';
import type { Endpoint } from '../channel/channel.ts';
import { encode, encodeEmpty, messageType, noOctets, type CoapMessage } from './codec.ts';
import { codeClass, formatCode, isReservedClass, method, status } from './codes.ts';
import { DelayLine, Waiter } from './delay-line.ts';
import { option, uintOption } from './options.ts';
import { Outgoing } from './outgoing.ts';
import type { EndpointParts } from './parts.ts';
import type { Peer, Peers } from './peers.ts';
import type { Received, ReceivedMessages } from './received.ts';
import type { Sender } from './sender.ts';
import type { CoapResponse, IncomingRequest, RequestHandler } from './types.ts';

/** A request whose handler has not answered yet. */
class Pending extends Waiter {
  readonly peer: Peer;
  readonly received: Received;
  readonly token: Uint8Array;

  constructor(peer: Peer, received: Received, token: Uint8Array) {
    super();
    this.peer = peer;
    this.received = received;
    this.token = token;
  }
}

/** The server's role: each request handled once, answered piggybacked or separately. RFC 7252 §4.5, §5.2. */
export class Responder {
  readonly #parts: EndpointParts;
  readonly #handler: RequestHandler | undefined;
  readonly #peers: Peers;
  readonly #received: ReceivedMessages;
  readonly #sender: Sender;
  readonly #pending: DelayLine<Pending>;
  #isStopped = false;

  constructor(
    parts: EndpointParts,
    handler: RequestHandler | undefined,
    peers: Peers,
    received: ReceivedMessages,
    sender: Sender,
  ) {
    this.#parts = parts;
    this.#handler = handler;
    this.#peers = peers;
    this.#received = received;
    this.#sender = sender;
    this.#pending = new DelayLine(parts.clock, parts.parameters.separateAfterMs, pending =>
      acknowledge(parts, pending),
    );
  }

  onRequest(message: CoapMessage, from: Endpoint, datagramBytes: number, nowMs: number): void {
    const { channel, counters } = this.#parts;
    const { messageId } = message;
    const isConfirmable = message.type === messageType.con;
    const peer = this.#peers.admit(from, nowMs);
    if (peer === undefined) {
      counters.refused++;
      return;
    }
    const known = this.#received.find(peer, messageId, nowMs);
    if (known !== undefined) {
      counters.duplicates++;
      // Nothing yet while the handler runs: its answer, or the empty ACK, is on the way.
      if (isConfirmable && known.answer !== undefined) channel.send(known.answer, from);
      return;
    }
    const received = this.#received.add(peer, messageId, isConfirmable, nowMs);
    if (received === undefined) {
      counters.refused++;
      return;
    }
    counters.requestsIn++;
    this.#handle(message, peer, received, datagramBytes);
  }

  stop(): void {
    this.#isStopped = true;
    this.#pending.stop();
  }

  #handle(message: CoapMessage, peer: Peer, received: Received, datagramBytes: number): void {
    const { counters } = this.#parts;
    const { code, token, payload, messageId } = message;
    const { isConfirmable } = received;
    if (this.#handler === undefined) return this.#reject(peer, received);
    const { options, bad } = this.#parts.check(message.options);
    if (bad !== undefined) {
      counters.badOptions++;
      const isProxy = bad.number === option.proxyUri || bad.number === option.proxyScheme;
      // RFC 7252 §5.10.2 for a proxy's options; §5.4.1 for others, where only a CON is answered.
      if (isProxy) return this.#respond(peer, received, token, plain(status.proxyingNotSupported));
      if (!isConfirmable) return;
      return this.#respond(peer, received, token, plain(status.badOption, `option ${bad.number}: ${bad.reason}`));
    }
    const { maxDatagramBytes } = this.#parts.channel;
    if (datagramBytes > maxDatagramBytes) {
      return this.#respond(peer, received, token, tooLarge(payload.length - (datagramBytes - maxDatagramBytes)));
    }
    if (code > method.delete) return this.#respond(peer, received, token, plain(status.methodNotAllowed));
    this.#run(
      { code, options, payload, from: peer.endpoint, confirmable: isConfirmable, messageId, token },
      peer,
      received,
    );
  }

  #run(request: IncomingRequest, peer: Peer, received: Received): void {
    const { token } = request;
    let answer: CoapResponse | Promise<CoapResponse>;
    try {
      answer = (this.#handler as RequestHandler)(request);
    } catch (error) {
      return this.#respond(peer, received, token, this.#failed(error));
    }
    if (!(answer instanceof Promise)) return this.#respond(peer, received, token, answer);
    const pending = new Pending(peer, received, token);
    received.isOpen = true;
    peer.handling++;
    if (received.isConfirmable) this.#pending.join(pending, this.#parts.clock.monotonicMs());
    answer.then(
      response => this.#finish(pending, response),
      (error: unknown) => this.#finish(pending, this.#failed(error)),
    );
  }

  #finish(pending: Pending, response: CoapResponse): void {
    const { peer, received, token } = pending;
    this.#pending.leave(pending);
    received.isOpen = false;
    peer.handling--;
    // After the lifetime nobody waits, and the requester may have given the token to another request.
    if (this.#isStopped || this.#parts.clock.monotonicMs() >= received.expiresAtMs) return;
    this.#respond(peer, received, token, response);
  }

  /** Piggybacked while nothing has acknowledged the request, separate after that, NON to NON. RFC 7252 §5.2. */
  #respond(peer: Peer, received: Received, token: Uint8Array, response: CoapResponse): void {
    const { channel, counters } = this.#parts;
    const { messageId, isConfirmable } = received;
    if (isConfirmable && received.answer === undefined) {
      received.answer = this.#encode(messageType.ack, messageId, token, response);
      counters.responsesOut++;
      channel.send(received.answer, peer.endpoint);
    } else if (isConfirmable) {
      const octets = this.#encode(messageType.con, 0, token, response);
      const onFailed = (): void => {};
      this.#sender.submit(
        new Outgoing(peer, 'response', true, octets, token, undefined, onFailed),
        this.#parts.clock.monotonicMs(),
      );
    } else {
      this.#sender.sendOnce(peer, this.#encode(messageType.non, 0, token, response), this.#parts.clock.monotonicMs());
    }
  }

  #encode(type: number, messageId: number, token: Uint8Array, response: CoapResponse): Uint8Array {
    const { channel, counters, log } = this.#parts;
    const { code, options, payload } = response;
    try {
      if (codeClass(code) < 2 || isReservedClass(code))
        throw new RangeError(`not a response code: ${formatCode(code)}`);
      const octets = encode(type, code, messageId, token, options, payload);
      if (octets.length <= channel.maxDatagramBytes) return octets;
      counters.oversizedResponses++;
      log.warn('a response is larger than the channel takes', {
        octets: octets.length,
        maxDatagramBytes: channel.maxDatagramBytes,
      });
    } catch (error) {
      this.#failed(error);
    }
    return encode(type, status.internalServerError, messageId, token, [], noOctets);
  }

  #failed(error: unknown): CoapResponse {
    this.#parts.counters.handlerErrors++;
    this.#parts.log.error('a request handler failed', errorFacts(error));
    return plain(status.internalServerError);
  }

  /** Whoever serves nothing lacks the context to process a request. RFC 7252 §4.2, §4.3. */
  #reject(peer: Peer, received: Received): void {
    if (!received.isConfirmable) return;
    received.answer = encodeEmpty(messageType.rst, received.messageId);
    this.#parts.counters.resetsOut++;
    this.#parts.channel.send(received.answer, peer.endpoint);
  }
}

/** The empty ACK that promises a separate response. It says that the request came, not that it is accepted. RFC 7252 §5.2.2. */
function acknowledge({ channel }: EndpointParts, { peer, received }: Pending): void {
  received.answer = encodeEmpty(messageType.ack, received.messageId);
  channel.send(received.answer, peer.endpoint);
}

function plain(code: number, diagnostic?: string): CoapResponse {
  return { code, options: [], payload: diagnostic === undefined ? noOctets : utf8(diagnostic) };
}

/** With the size that would have fitted. RFC 7252 §5.9.2.9. */
function tooLarge(maxPayloadBytes: number): CoapResponse {
  const options = maxPayloadBytes > 0 ? [uintOption(option.size1, maxPayloadBytes)] : [];
  return { code: status.requestEntityTooLarge, options, payload: noOctets };
}
