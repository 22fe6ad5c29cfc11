import { parameters } from 'coap';
import type { Clock } from '../gateway/base/clock.ts';
import { headOf, messageType } from './coap-head.ts';

interface SeenMessage {
  readonly octets: Buffer;
  readonly atMs: number;
  answer: Buffer | undefined;
}

/** Requests and separate responses of the last EXCHANGE_LIFETIME with their ACKs. RFC 7252 §4.5 */
export class SeenMessages {
  readonly #clock: Clock;
  readonly #byMessageId = new Map<number, SeenMessage>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The same octets, not only the same Message ID: a peer that restarted may draw an ID again, and means another request. */
  find(messageId: number, octets: Buffer): SeenMessage | undefined {
    const seen = this.#byMessageId.get(messageId);
    const isFresh = seen && this.#clock.monotonicMs() - seen.atMs < parameters.exchangeLifetime * 1_000;
    return isFresh && seen.octets.equals(octets) ? seen : undefined;
  }

  add(messageId: number, octets: Buffer): void {
    this.#byMessageId.set(messageId, { octets, atMs: this.#clock.monotonicMs(), answer: undefined });
  }

  noteAnswer(datagram: Buffer): void {
    const head = headOf(datagram);
    const seen = head?.type === messageType.ack ? this.#byMessageId.get(head.messageId) : undefined;
    if (seen) seen.answer = datagram;
  }
}
