import type { Clock } from '../base/clock.ts';
import { GatewayError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import type { Channel } from '../channel/channel.ts';
import { setMessageId } from './codec.ts';
import { DelayLine } from './delay-line.ts';
import type { Outgoing } from './outgoing.ts';
import type { Peer } from './peers.ts';
import type { CoapCounters, CoapParameters } from './types.ts';

/**
 * Our side of the message layer: NSTART with its queue, Message IDs, retransmission and giving up. RFC 7252 §4.2, §4.7.
 *
 * Every CON waits ACK_TIMEOUT in one delay line, the least that its first timeout can be. Hardly any falls due there; only
 * those draw their random part and get a timer of their own, so an exchange that is answered costs no timer.
 */
export class Sender {
  readonly #channel: Channel;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #parameters: CoapParameters;
  readonly #counters: CoapCounters;
  /** Told when a message has ended, whatever its end. */
  readonly #onEnded: (outgoing: Outgoing) => void;
  readonly #unacknowledged: DelayLine<Outgoing>;
  readonly #unanswered: DelayLine<Outgoing>;

  constructor(
    channel: Channel,
    clock: Clock,
    random: Random,
    parameters: CoapParameters,
    counters: CoapCounters,
    onEnded: (outgoing: Outgoing) => void,
  ) {
    this.#channel = channel;
    this.#clock = clock;
    this.#random = random;
    this.#parameters = parameters;
    this.#counters = counters;
    this.#onEnded = onEnded;
    this.#unacknowledged = new DelayLine(clock, parameters.ackTimeoutMs, outgoing => this.#drawRest(outgoing));
    this.#unanswered = new DelayLine(clock, parameters.responseTimeoutMs, outgoing => this.#giveUp(outgoing));
  }

  /** Sends it when NSTART allows. A response goes ahead of the requests that wait: somebody waits for it. */
  submit(outgoing: Outgoing, nowMs: number): void {
    const { peer } = outgoing;
    const { nstart, maxWaiting } = this.#parameters;
    if (peer.outstanding < nstart && peer.waiting.length === 0 && this.#transmit(outgoing, nowMs)) return;
    if (peer.waiting.length >= maxWaiting)
      this.fail(outgoing, tooMany(peer, maxWaiting, peer.messageIds.freeInMs(nowMs)));
    else if (outgoing.kind === 'response') peer.waiting.unshift(outgoing);
    else peer.waiting.push(outgoing);
  }

  /** Sends a message to which nothing comes back, or drops it when no Message ID is free: a NON response. */
  sendOnce(peer: Peer, octets: Uint8Array, nowMs: number): void {
    const messageId = this.#takeMessageId(peer, nowMs);
    if (messageId < 0) {
      this.#counters.refused++;
      return;
    }
    setMessageId(octets, messageId);
    peer.lastUsedMs = nowMs;
    this.#counters.responsesOut++;
    this.#channel.send(octets, peer.endpoint);
  }

  /** An empty ACK: a request's response comes separately, anything else has arrived. */
  onAcknowledged(outgoing: Outgoing, nowMs: number): void {
    if (outgoing.state !== 'sent' || !outgoing.isConfirmable) return;
    if (outgoing.kind !== 'request') return this.end(outgoing);
    this.#stopTimers(outgoing);
    outgoing.state = 'acknowledged';
    this.#unanswered.join(outgoing, nowMs);
    this.#release(outgoing);
  }

  /** Over, and well. */
  end(outgoing: Outgoing): void {
    if (outgoing.state === 'ended') return;
    const { peer } = outgoing;
    this.#stopTimers(outgoing);
    if (peer.sent.get(outgoing.messageId) === outgoing) peer.sent.delete(outgoing.messageId);
    outgoing.state = 'ended';
    this.#onEnded(outgoing);
    this.#release(outgoing);
  }

  fail(outgoing: Outgoing, error: GatewayError): void {
    if (outgoing.state === 'ended') return;
    this.end(outgoing);
    outgoing.onFailed(error);
  }

  /** Ends everything that is open or waiting toward this endpoint. */
  failAll(peer: Peer, error: GatewayError): void {
    // The waiting ones first, or they would go out in the places that the others leave.
    for (let next = peer.waiting.shift(); next !== undefined; next = peer.waiting.shift()) this.fail(next, error);
    for (const outgoing of peer.sent.values().sort(byAge)) this.fail(outgoing, error);
  }

  stop(): void {
    this.#unacknowledged.stop();
    this.#unanswered.stop();
  }

  #transmit(outgoing: Outgoing, nowMs: number): boolean {
    const { peer, octets } = outgoing;
    const messageId = this.#takeMessageId(peer, nowMs);
    if (messageId < 0) return false;
    setMessageId(octets, messageId);
    outgoing.messageId = messageId;
    outgoing.state = 'sent';
    outgoing.startedMs = nowMs;
    outgoing.isOutstanding = true;
    peer.outstanding++;
    peer.lastUsedMs = nowMs;
    peer.sent.set(messageId, outgoing);
    (outgoing.isConfirmable ? this.#unacknowledged : this.#unanswered).join(outgoing, nowMs);
    if (outgoing.kind === 'request') this.#counters.requestsOut++;
    else if (outgoing.kind === 'response') this.#counters.responsesOut++;
    this.#channel.send(octets, peer.endpoint);
    return true;
  }

  #takeMessageId(peer: Peer, nowMs: number): number {
    for (;;) {
      const messageId = peer.messageIds.take(nowMs);
      if (messageId < 0) return this.#awaitMessageId(peer, nowMs);
      // With a lifetime configured shorter than a response may take, one can still be open.
      if (!peer.sent.has(messageId)) return messageId;
    }
  }

  #awaitMessageId(peer: Peer, nowMs: number): -1 {
    peer.cancelMessageIdWait ??= this.#clock.after(Math.ceil(peer.messageIds.freeInMs(nowMs)), () => {
      peer.cancelMessageIdWait = undefined;
      this.#pump(peer);
    });
    return -1;
  }

  /** Gives the place under NSTART to the next. */
  #release(outgoing: Outgoing): void {
    if (!outgoing.isOutstanding) return;
    outgoing.isOutstanding = false;
    outgoing.peer.outstanding--;
    if (outgoing.peer.waiting.length > 0) this.#pump(outgoing.peer);
  }

  #pump(peer: Peer): void {
    const nowMs = this.#clock.monotonicMs();
    while (peer.outstanding < this.#parameters.nstart) {
      const next = peer.waiting.peek();
      if (next === undefined || !this.#transmit(next, nowMs)) return;
      peer.waiting.shift();
    }
  }

  /** ACK_TIMEOUT is over; the first timeout lies between it and ACK_TIMEOUT * ACK_RANDOM_FACTOR. RFC 7252 §4.2. */
  #drawRest(outgoing: Outgoing): void {
    const { ackTimeoutMs, ackRandomFactor } = this.#parameters;
    const restMs = Math.round(this.#random() * ackTimeoutMs * (ackRandomFactor - 1));
    outgoing.timeoutMs = ackTimeoutMs + restMs;
    if (restMs === 0) this.#onTimeout(outgoing);
    else this.#wait(outgoing, restMs);
  }

  #onTimeout(outgoing: Outgoing): void {
    const { maxRetransmit, maxTransmitWaitMs } = this.#parameters;
    const leftMs = outgoing.startedMs + maxTransmitWaitMs - this.#clock.monotonicMs();
    if (outgoing.retransmissions >= maxRetransmit || leftMs < 1) return this.#giveUp(outgoing);
    outgoing.retransmissions++;
    outgoing.timeoutMs *= 2;
    this.#counters.retransmissions++;
    this.#wait(outgoing, Math.min(outgoing.timeoutMs, leftMs));
    this.#channel.send(outgoing.octets, outgoing.peer.endpoint);
  }

  #wait(outgoing: Outgoing, delayMs: number): void {
    outgoing.cancelTimeout = this.#clock.after(delayMs, () => this.#onTimeout(outgoing));
  }

  #giveUp(outgoing: Outgoing): void {
    this.#counters.giveUps++;
    const waitedMs = this.#clock.monotonicMs() - outgoing.startedMs;
    this.fail(outgoing, noAnswer(outgoing, waitedMs));
  }

  #stopTimers(outgoing: Outgoing): void {
    (outgoing.line as DelayLine<Outgoing> | undefined)?.leave(outgoing);
    outgoing.cancelTimeout?.();
    outgoing.cancelTimeout = undefined;
  }
}

function byAge(a: Outgoing, b: Outgoing): number {
  return a.startedMs - b.startedMs;
}

function noAnswer(outgoing: Outgoing, waitedMs: number): GatewayError {
  const { peer, state, retransmissions } = outgoing;
  const after = `within ${(waitedMs / 1000).toFixed(1)} s`;
  if (state === 'acknowledged') {
    return new GatewayError(
      'coap.no-answer',
      `${peer.endpoint.key} acknowledged the request but gave no response ${after}`,
      { hint: 'the other side is slow, or restarted meanwhile' },
    );
  }
  const what = outgoing.isConfirmable ? `${retransmissions} retransmissions` : 'a non-confirmable request';
  const hint = 'check that the other side is on, in reach, and speaks CoAP at this address';
  return new GatewayError('coap.no-answer', `${peer.endpoint.key} gave no answer to ${what} ${after}`, { hint });
}

function tooMany(peer: Peer, maxWaiting: number, freeInMs: number): GatewayError {
  if (freeInMs > 0) {
    const message = `every Message ID toward ${peer.endpoint.key} is in its lifetime, the next is free in ${Math.ceil(freeInMs)} ms`;
    const hint = 'send less often, or agree a shorter EXCHANGE_LIFETIME with the other side and configure it';
    return new GatewayError('coap.message-ids-exhausted', message, { hint });
  }
  const message = `${maxWaiting} requests wait for ${peer.endpoint.key} already`;
  return new GatewayError('coap.too-many-waiting', message, { hint: 'the other side is slow or away: send later' });
}
