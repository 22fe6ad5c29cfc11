import type { Socket } from 'node:dgram';
import {
  Agent,
  createServer,
  parameters,
  updateTiming,
  type IncomingMessage,
  type OutgoingMessage,
  type Server,
} from 'coap';
import { toHex } from '../gateway/base/bytes.ts';
import type { Clock } from '../gateway/base/clock.ts';
import { GatewayError } from '../gateway/base/errors.ts';
import { headOf, messageType, resetFor, type Head } from './coap-head.ts';
import { Transport, endpoint } from './coap-transport.ts';
import { SeenMessages } from './seen-messages.ts';

export interface CoapRequest {
  readonly method: string;
  readonly path: string;
  /** As node-coap names it: `application/json` is 50. Undefined when the option is absent. */
  readonly contentFormat: string | undefined;
  readonly payload: Uint8Array;
}

export interface CoapAnswer {
  /** `2.04` */
  readonly code: string;
  readonly body?: object;
  readonly maxAgeSeconds?: number;
}

export interface CoapPeerOptions {
  readonly clock: Clock;
  /** Carries one datagram to the peer; loses it in silence when it cannot. */
  readonly send: (datagram: Uint8Array) => void;
  /** Answers a request of the peer. What it throws becomes 5.00. */
  readonly serve: (request: CoapRequest) => Promise<CoapAnswer>;
}

/** Ours: how long a separate response may take after its empty ACK; RFC 7252 leaves it to the application. */
export const separateAnswerTimeoutMs = 30_000;

/** Ours: half of ACK_TIMEOUT's default; an answer that takes longer comes separately. */
const piggybackMs = 1_000;

const json = 'application/json';

/** ACK_TIMEOUT of every CoAP peer in this process: node-coap knows one for all. RFC 7252 §4.8 */
export function setAckTimeout(ackTimeoutMs: number): void {
  updateTiming({ ackTimeout: ackTimeoutMs / 1_000 });
}

/**
 * One CoAP peer over any datagram carrier, client and server at once: node-coap's Server and Agent, each on a transport of
 * its own, with what node-coap leaves out around them. A ping gets RST (node-coap answers 2.05); a repeated message gets
 * the same ACK and runs nothing (node-coap looks for repetitions on real sockets only); one request is outstanding at a
 * time (NSTART, RFC 7252 §4.7); and a request ends although nothing follows its empty ACK.
 */
export class CoapPeer {
  readonly #options: CoapPeerOptions;
  readonly #server: Server;
  readonly #agent: Agent;
  readonly #serverSide: Transport;
  readonly #agentSide: Transport;
  readonly #seen: SeenMessages;
  #turn: Promise<unknown> = Promise.resolve();
  #outstanding: { messageId: number; acknowledged: () => void; fail: (error: GatewayError) => void } | undefined;
  #closed: GatewayError | undefined;

  constructor(options: CoapPeerOptions) {
    this.#options = options;
    this.#seen = new SeenMessages(options.clock);
    const send = (datagram: Buffer): void => {
      this.#seen.noteAnswer(datagram);
      this.#send(datagram);
    };
    this.#serverSide = new Transport(send);
    this.#agentSide = new Transport(send);
    this.#server = createServer({ piggybackReplyMs: piggybackMs });
    this.#server.on(
      'request',
      (request: IncomingMessage, response: OutgoingMessage) => void this.#serve(request, response),
    );
    this.#server.listen(this.#serverSide);
    // Of a socket an Agent uses on, send and address.
    this.#agent = new Agent({ socket: this.#agentSide as unknown as Socket });
  }

  /** Takes one datagram from the carrier. What is not CoAP version 1 is ignored. RFC 7252 §3 */
  receive(datagram: Uint8Array): void {
    const octets = Buffer.from(datagram);
    const head = headOf(octets);
    if (!head || this.#closed) return;
    if (head.isEmpty) this.#receiveEmpty(head, octets);
    else if (head.type === messageType.ack) this.#agentSide.deliver(octets);
    else this.#receiveOnce(head, octets);
  }

  /**
   * POSTs a JSON body and resolves with the response, whatever its code. Rejects with `lab.no-answer`, `lab.reset`, or what
   * `close` was given.
   * @param timeoutMs from its turn on; by default MAX_TRANSMIT_WAIT, then 30 s after an empty ACK
   */
  post(path: string, body: object, timeoutMs?: number): Promise<CoapAnswer> {
    const answer = this.#turn.then(() => this.#exchange(path, body, timeoutMs));
    this.#turn = answer.catch(() => {});
    return answer;
  }

  /** Nothing is sent or taken any more; what is outstanding rejects with the error. */
  close(error: GatewayError): void {
    if (this.#closed) return;
    this.#closed = error;
    this.#outstanding?.fail(error);
    this.#server.close();
    this.#agent.close();
  }

  #send(datagram: Uint8Array): void {
    if (!this.#closed) this.#options.send(datagram);
  }

  #receiveEmpty(head: Head, octets: Buffer): void {
    if (head.type === messageType.con) return this.#send(resetFor(octets));
    // Which half sent the message that this acknowledges: their Message IDs are counted apart.
    if (head.messageId !== this.#outstanding?.messageId) return this.#serverSide.deliver(octets);
    if (head.type === messageType.ack) this.#outstanding.acknowledged();
    this.#agentSide.deliver(octets);
  }

  #receiveOnce(head: Head, octets: Buffer): void {
    const earlier = this.#seen.find(head.messageId, octets);
    if (!earlier) {
      this.#seen.add(head.messageId, octets);
      (head.isRequest ? this.#serverSide : this.#agentSide).deliver(octets);
    } else if (earlier.answer) {
      this.#send(earlier.answer);
    }
  }

  async #serve(request: IncomingMessage, response: OutgoingMessage): Promise<void> {
    const answer = await this.#options.serve(asRequest(request)).catch(() => ({ code: '5.00' }) as CoapAnswer);
    if (this.#closed) return;
    // An answer that does not fit into a message is lost, not the process.
    response.on('error', () => {});
    response.code = answer.code;
    if (answer.body) response.setOption('Content-Format', json);
    if (answer.maxAgeSeconds !== undefined) response.setOption('Max-Age', answer.maxAgeSeconds);
    response.end(answer.body ? Buffer.from(JSON.stringify(answer.body)) : undefined);
  }

  #exchange(path: string, body: object, timeoutMs: number | undefined): Promise<CoapAnswer> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(this.#closed);
      const { hostname, port } = endpoint;
      const request = this.#agent.request({ hostname, port, method: 'POST', pathname: path, contentFormat: json });
      const waitMs = timeoutMs ?? parameters.maxTransmitWait * 1_000;
      let stopWaiting = this.#options.clock.after(waitMs, () => fail(noAnswer(waitMs, 'neither ACK nor response')));
      const end = (): void => {
        stopWaiting();
        this.#outstanding = undefined;
        // Also after a response: node-coap would keep the Message ID of a separately answered request for ever.
        this.#agent.abort(request);
      };
      const fail = (error: Error): void => {
        end();
        reject(error);
      };
      const acknowledged = (): void => {
        if (timeoutMs !== undefined) return;
        stopWaiting();
        const after = noAnswer(separateAnswerTimeoutMs, 'an empty ACK and nothing after it');
        stopWaiting = this.#options.clock.after(separateAnswerTimeoutMs, () => fail(after));
      };
      request.on('error', fail);
      request.on('response', (response: IncomingMessage) => {
        end();
        if (response.code === '0.00')
          reject(new GatewayError('lab.reset', `the peer rejected the request to ${path} with RST`));
        else resolve(asAnswer(response));
      });
      this.#agentSide.onNextSent(datagram => {
        this.#outstanding = { messageId: headOf(datagram)!.messageId, acknowledged, fail };
      });
      request.end(Buffer.from(JSON.stringify(body)));
    });
  }
}

function asRequest({ method, url, headers, payload }: IncomingMessage): CoapRequest {
  const contentFormat = headers['Content-Format'];
  return { method, path: url, contentFormat: contentFormat === undefined ? undefined : String(contentFormat), payload };
}

function asAnswer({ code, headers, payload }: IncomingMessage): CoapAnswer {
  const maxAge = headers['Max-Age'];
  return {
    code,
    ...(payload.length > 0 ? { body: jsonObject(payload) ?? { notJson: toHex(payload) } } : {}),
    ...(typeof maxAge === 'number' ? { maxAgeSeconds: maxAge } : {}),
  };
}

/** The JSON object in these octets, or undefined. */
export function jsonObject(octets: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(octets));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function noAnswer(waitedMs: number, what: string): GatewayError {
  return new GatewayError('lab.no-answer', `${what} within ${waitedMs / 1_000} s`);
}
