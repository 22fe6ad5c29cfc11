import { GatewayError } from '../base/errors.ts';
import type { CoapParameters } from './types.ts';

/** Wait before the first retransmission of a CON, at least. RFC 7252 §4.8, ACK_TIMEOUT. */
const ackTimeoutMs = 2_000;

/** RFC 7252 §4.8, ACK_RANDOM_FACTOR. */
const ackRandomFactor = 1.5;

/** RFC 7252 §4.8, MAX_RETRANSMIT. */
const maxRetransmit = 4;

/** RFC 7252 §4.8, NSTART. */
const nstart = 1;

/** The longest that a datagram is assumed to travel. RFC 7252 §4.8.2, MAX_LATENCY. */
const maxLatencyMs = 100_000;

/** Ours: a queue longer than this is a missing answer somewhere, better said at once than after minutes. */
const maxWaiting = 256;

/** Ours: about 250 octets each with a short answer; 65 536 is what one endpoint can fill within a lifetime. */
const maxRemembered = 262_144;

/** Ours: about 1 kB each. */
const maxEndpoints = 8_192;

/** The RFC's defaults with the changes given; what RFC 7252 §4.8.2 derives is derived from them unless it is given too. */
export function coapParameters(given: Partial<CoapParameters> = {}): CoapParameters {
  const base = { ackTimeoutMs, ackRandomFactor, maxRetransmit, nstart, maxLatencyMs, ...defined(given) };
  // RFC 7252 §4.8.2, MAX_TRANSMIT_SPAN: from the first transmission to the last.
  const maxTransmitSpanMs = base.ackTimeoutMs * (2 ** base.maxRetransmit - 1) * base.ackRandomFactor;
  // RFC 7252 §4.8.2, MAX_TRANSMIT_WAIT: from the first transmission to giving up.
  const maxTransmitWaitMs = base.ackTimeoutMs * (2 ** (base.maxRetransmit + 1) - 1) * base.ackRandomFactor;
  // RFC 7252 §4.8.2, PROCESSING_DELAY: what a node takes to turn a CON into an ACK, conservatively ACK_TIMEOUT.
  const processingDelayMs = base.ackTimeoutMs;
  // RFC 7252 §4.8.2, EXCHANGE_LIFETIME: from the first transmission to the last acknowledgement that may still come.
  const exchangeLifetimeMs = given.exchangeLifetimeMs ?? maxTransmitSpanMs + 2 * base.maxLatencyMs + processingDelayMs;
  const parameters: CoapParameters = {
    maxTransmitWaitMs,
    exchangeLifetimeMs,
    // RFC 7252 §4.8.2, NON_LIFETIME; never longer than a CON's, since Message IDs become free after that.
    nonLifetimeMs: Math.min(maxTransmitSpanMs + base.maxLatencyMs, exchangeLifetimeMs),
    // Ours: half of ACK_TIMEOUT, so that the empty ACK is there before the other side repeats itself.
    separateAfterMs: base.ackTimeoutMs / 2,
    // Ours: a response may take as long as an acknowledgement might have.
    responseTimeoutMs: maxTransmitWaitMs,
    maxWaiting,
    maxRemembered,
    maxRememberedPerEndpoint: 65_536,
    maxEndpoints,
    ...base,
  };
  refuse(parameters);
  return parameters;
}

/** Without the keys whose value is undefined, which would otherwise hide a default. */
function defined(given: Partial<CoapParameters>): Partial<CoapParameters> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function refuse(parameters: CoapParameters): void {
  const wrong = (what: string): never => {
    throw new GatewayError('coap.parameters', `CoAP parameters: ${what}`, {
      hint: 'see RFC 7252 §4.8 for the defaults',
    });
  };
  for (const [name, value] of Object.entries(parameters)) {
    if (!Number.isFinite(value) || value < 0) wrong(`${name} is ${value}`);
  }
  if (parameters.ackTimeoutMs === 0) wrong('ackTimeoutMs must be above 0');
  // RFC 7252 §4.8.1: ACK_RANDOM_FACTOR MUST NOT be decreased below 1.0.
  if (parameters.ackRandomFactor < 1) wrong(`ackRandomFactor is ${parameters.ackRandomFactor}, less than 1`);
  for (const name of ['maxRetransmit', 'nstart', 'maxWaiting', 'maxRemembered', 'maxEndpoints'] as const) {
    if (!Number.isInteger(parameters[name])) wrong(`${name} is ${parameters[name]}, not a whole number`);
  }
  // Ours: half of the Message IDs, so that a free one is always found.
  if (parameters.nstart > 32_768) wrong(`nstart is ${parameters.nstart}, more than 32768`);
  for (const name of ['nstart', 'maxRemembered', 'maxRememberedPerEndpoint', 'maxEndpoints'] as const) {
    if (parameters[name] < 1) wrong(`${name} must be at least 1`);
  }
}
