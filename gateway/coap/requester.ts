import { GatewayError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import type { Endpoint } from '../channel/channel.ts';
import { encode, encodeEmpty, messageType, noOctets, type CoapMessage } from './codec.ts';
import { codeClass, emptyCode, formatCode } from './codes.ts';
import { Outgoing } from './outgoing.ts';
import type { EndpointParts } from './parts.ts';
import type { Peers } from './peers.ts';
import type { ReceivedMessages } from './received.ts';
import type { Sender } from './sender.ts';
import { Tokens } from './tokens.ts';
import type { CoapRequest, IncomingResponse } from './types.ts';

/** The client's role: requests out, and which response belongs to which. RFC 7252 §5.3. */
export class Requester {
  readonly #parts: EndpointParts;
  readonly #peers: Peers;
  readonly #received: ReceivedMessages;
  readonly #sender: Sender;
  readonly #tokens: Tokens<Outgoing>;

  constructor(parts: EndpointParts, random: Random, peers: Peers, received: ReceivedMessages, sender: Sender) {
    this.#parts = parts;
    this.#peers = peers;
    this.#received = received;
    this.#sender = sender;
    this.#tokens = new Tokens(random);
  }

  request(to: Endpoint, { code, options, payload, confirmable = true }: CoapRequest): Promise<IncomingResponse> {
    const { channel, clock } = this.#parts;
    return new Promise((resolve, reject) => {
      if (codeClass(code) !== 0 || code === emptyCode) throw new RangeError(`not a method: ${formatCode(code)}`);
      const token = this.#tokens.next(to);
      const octets = encode(confirmable ? messageType.con : messageType.non, code, 0, token, options, payload);
      if (octets.length > channel.maxDatagramBytes) throw tooLarge(octets.length, channel.maxDatagramBytes);
      const nowMs = clock.monotonicMs();
      const outgoing = new Outgoing(this.#peers.get(to, nowMs), 'request', confirmable, octets, token, resolve, reject);
      this.#tokens.set(outgoing);
      this.#sender.submit(outgoing, nowMs);
    });
  }

  /** Resolves to the round trip in milliseconds. RFC 7252 §4.3. */
  ping(to: Endpoint): Promise<number> {
    const { clock } = this.#parts;
    return new Promise((resolve, reject) => {
      const nowMs = clock.monotonicMs();
      const peer = this.#peers.get(to, nowMs);
      const octets = encodeEmpty(messageType.con, 0);
      const onFailed = (error: GatewayError): void => {
        if (error.code === 'coap.reset') resolve(clock.monotonicMs() - outgoing.startedMs);
        else reject(error);
      };
      const outgoing: Outgoing = new Outgoing(peer, 'ping', true, octets, noOctets, undefined, onFailed);
      this.#sender.submit(outgoing, nowMs);
    });
  }

  /**
   * A response counts when token and endpoint are those of an open request, and in an ACK the Message ID too
   * (RFC 7252 §5.3.2). Over DTLS the endpoint is the session and epoch (§9.1.2).
   */
  onResponse(message: CoapMessage, from: Endpoint, nowMs: number): void {
    const { counters, check } = this.#parts;
    const { type, messageId } = message;
    if (type === messageType.con && this.#isRepeated(messageId, from, nowMs)) return;
    const outgoing = this.#tokens.get(message.token);
    if (outgoing === undefined || !isAnswerTo(outgoing, message, from)) {
      counters.unmatched++;
      if (type === messageType.con) this.#reset(messageId, from);
      return;
    }
    const { options, bad } = check(message.options);
    if (bad !== undefined) {
      counters.badOptions++;
      if (type === messageType.con) this.#reset(messageId, from);
      return this.#sender.fail(outgoing, badResponse(from, bad.number, bad.reason));
    }
    counters.responsesIn++;
    if (type === messageType.con) this.#acknowledge(messageId, outgoing, nowMs);
    this.#sender.end(outgoing);
    const { code, payload } = message;
    const { startedMs, retransmissions } = outgoing;
    outgoing.onResponse?.({ code, options, payload, from, roundTripMs: nowMs - startedMs, retransmissions });
  }

  /** The other side cannot make anything of it, which is what a ping asks for. */
  onReset(outgoing: Outgoing): void {
    this.#sender.fail(outgoing, reset(outgoing));
  }

  /** The token of a request that is over is free. */
  onEnded(outgoing: Outgoing): void {
    if (outgoing.kind === 'request') this.#tokens.delete(outgoing);
  }

  /** A CON response that came before gets its acknowledgement again. RFC 7252 §4.5. */
  #isRepeated(messageId: number, from: Endpoint, nowMs: number): boolean {
    const peer = this.#peers.find(from);
    const known = peer && this.#received.find(peer, messageId, nowMs);
    if (known === undefined) return false;
    this.#parts.counters.duplicates++;
    if (known.answer) this.#parts.channel.send(known.answer, from);
    return true;
  }

  #acknowledge(messageId: number, outgoing: Outgoing, nowMs: number): void {
    const { peer } = outgoing;
    const octets = encodeEmpty(messageType.ack, messageId);
    const remembered = this.#received.add(peer, messageId, true, nowMs);
    if (remembered) remembered.answer = octets;
    this.#parts.channel.send(octets, peer.endpoint);
  }

  #reset(messageId: number, to: Endpoint): void {
    this.#parts.counters.resetsOut++;
    this.#parts.channel.send(encodeEmpty(messageType.rst, messageId), to);
  }
}

function isAnswerTo(outgoing: Outgoing, { type, messageId }: CoapMessage, from: Endpoint): boolean {
  if (outgoing.peer.endpoint !== from || outgoing.state === 'waiting') return false;
  return type !== messageType.ack || (outgoing.isConfirmable && outgoing.messageId === messageId);
}

function tooLarge(octets: number, maxDatagramBytes: number): GatewayError {
  const message = `the request has ${octets} octets, and the channel takes ${maxDatagramBytes}`;
  return new GatewayError('coap.too-large', message, { hint: 'send a smaller payload, or in segments' });
}

function badResponse(from: Endpoint, number: number, reason: string): GatewayError {
  return new GatewayError('coap.bad-response', `${from.key} answered with critical option ${number}: ${reason}`, {
    hint: 'the other side wants an extension of CoAP that is not spoken here: switch it off there',
  });
}

function reset({ peer, kind }: Outgoing): GatewayError {
  const hint = 'the other side lost its state, or does not serve requests';
  return new GatewayError('coap.reset', `${peer.endpoint.key} rejected a ${kind} with a Reset`, { hint });
}
