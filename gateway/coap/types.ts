import type { Endpoint } from '../channel/channel.ts';

/** One option of a message. Number per the CoAP Option Numbers registry; value uninterpreted. RFC 7252 §3.1. */
export interface CoapOption {
  readonly number: number;
  readonly value: Uint8Array;
}

/** A request as its maker states it; type, Message ID and token are the endpoint's business. */
export interface CoapRequest {
  /** 0x01 GET, 0x02 POST, 0x03 PUT, 0x04 DELETE. */
  readonly code: number;
  readonly options: readonly CoapOption[];
  readonly payload: Uint8Array;
  /** CON when true, which is the default; NON when false. */
  readonly confirmable?: boolean;
}

/** A response as its maker states it. `code` is class << 5 | detail: 0x44 is 2.04. */
export interface CoapResponse {
  readonly code: number;
  readonly options: readonly CoapOption[];
  readonly payload: Uint8Array;
}

/** A request as it came in. */
export interface IncomingRequest extends CoapRequest {
  readonly from: Endpoint;
  readonly confirmable: boolean;
  readonly messageId: number;
  readonly token: Uint8Array;
}

/** A response as it came in, with what the exchange cost. */
export interface IncomingResponse extends CoapResponse {
  readonly from: Endpoint;
  /** From first transmission to response. */
  readonly roundTripMs: number;
  readonly retransmissions: number;
}

/**
 * Answers a request. A response that comes at once, or before `separateAfterMs`, is piggybacked; a later one goes out
 * as a separate response after an empty ACK (RFC 7252 §5.2.2). A thrown error becomes 5.00 and is counted.
 */
export type RequestHandler = (request: IncomingRequest) => CoapResponse | Promise<CoapResponse>;

/** RFC 7252 §4.8 and ours. Every number can be set; every default is the RFC's. */
export interface CoapParameters {
  readonly ackTimeoutMs: number;
  readonly ackRandomFactor: number;
  readonly maxRetransmit: number;
  readonly nstart: number;
  readonly exchangeLifetimeMs: number;
  readonly nonLifetimeMs: number;
  readonly maxTransmitWaitMs: number;
  /** After this long without a response a CON request gets an empty ACK and the response follows separately. Half of ACK_TIMEOUT. */
  readonly separateAfterMs: number;
  /** How long a request waits for its response once it was acknowledged empty (or was NON). Ours. */
  readonly responseTimeoutMs: number;
  /** Requests that may wait behind NSTART for one endpoint. Ours. */
  readonly maxWaiting: number;
  /** The longest that a datagram is assumed to travel; the lifetimes follow from it. RFC 7252 §4.8.2, MAX_LATENCY. */
  readonly maxLatencyMs: number;
  /** Messages remembered against repetition, in total. Beyond it the oldest that is answered is forgotten. Ours. */
  readonly maxRemembered: number;
  /** The same for one endpoint, so that one cannot crowd out the others. Ours. */
  readonly maxRememberedPerEndpoint: number;
  /** Endpoints with state. Beyond it the one silent for longest, without an open exchange, is forgotten. Ours. */
  readonly maxEndpoints: number;
}

export interface CoapCounters {
  requestsIn: number;
  requestsOut: number;
  responsesIn: number;
  responsesOut: number;
  retransmissions: number;
  /** Exchanges given up after MAX_RETRANSMIT or `responseTimeoutMs`. */
  giveUps: number;
  duplicates: number;
  formatErrors: number;
  resetsIn: number;
  resetsOut: number;
  badOptions: number;
  /** Responses that matched no request on their endpoint: late, forged, or of another session. */
  unmatched: number;
  handlerErrors: number;
  /** Responses, ours or a handler's, that the channel could not have carried: 5.00 went out instead. */
  oversizedResponses: number;
  /** Messages forgotten before their lifetime because a limit was reached: a repetition of one would run again. */
  forgotten: number;
  /** Requests dropped in silence because a limit was reached and nothing could be forgotten. */
  refused: number;
}

export function newCoapCounters(): CoapCounters {
  return {
    requestsIn: 0,
    requestsOut: 0,
    responsesIn: 0,
    responsesOut: 0,
    retransmissions: 0,
    giveUps: 0,
    duplicates: 0,
    formatErrors: 0,
    resetsIn: 0,
    resetsOut: 0,
    badOptions: 0,
    unmatched: 0,
    handlerErrors: 0,
    oversizedResponses: 0,
    forgotten: 0,
    refused: 0,
  };
}

/**
 * Both roles of RFC 7252 over one channel. `request` rejects with GatewayError codes `coap.no-answer`, `coap.reset`,
 * `coap.endpoint-lost`, `coap.stopped`, `coap.too-many-waiting`, `coap.message-ids-exhausted`, `coap.too-large`,
 * `coap.bad-response` (a critical option in it that we do not understand).
 */
export interface CoapEndpoint {
  readonly counters: CoapCounters;
  start(): Promise<void>;
  request(to: Endpoint, request: CoapRequest): Promise<IncomingResponse>;
  /** Empty CON, answered by RST. RFC 7252 §4.3. Resolves to the round trip in milliseconds. */
  ping(to: Endpoint): Promise<number>;
  /** Ends every exchange with `coap.stopped` and closes the channel. */
  stop(): Promise<void>;
}
