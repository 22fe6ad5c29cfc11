import { GatewayError } from '../base/errors.ts';
import type { CoapOption } from './types.ts';

/** Message types. RFC 7252 §3. */
export const messageType = { con: 0, non: 1, ack: 2, rst: 3 } as const;

/** One message, as octets say it. RFC 7252 §3. */
export interface CoapMessage {
  /** 0 CON, 1 NON, 2 ACK, 3 RST. */
  readonly type: number;
  readonly code: number;
  readonly messageId: number;
  /** 0 to 8 octets. */
  readonly token: Uint8Array;
  /** Ascending by number, repeated ones in their own order. */
  readonly options: readonly CoapOption[];
  readonly payload: Uint8Array;
}

/** Why octets are not a message. RFC 7252 §3. A value and not an error: bad input from the air is nothing exceptional. */
export class FormatFault {
  /** Octets from the start of the datagram. */
  readonly offset: number;
  readonly reason: string;

  constructor(offset: number, reason: string) {
    this.offset = offset;
    this.reason = reason;
  }
}

const version = 1;
const payloadMarker = 0xff;
const maxOptionNumber = 0xffff;
export const noOctets: Uint8Array = new Uint8Array(0);
const noOptions: readonly CoapOption[] = [];

/**
 * The message in these octets, or why there is none. Token, option values and payload are views of the octets, which
 * therefore must not change afterwards.
 */
export function parseMessage(octets: Uint8Array): CoapMessage | FormatFault {
  const { length } = octets;
  if (length < 4) return new FormatFault(length, 'shorter than the header of 4 octets');
  const first = octets[0];
  if (first >>> 6 !== version) return new FormatFault(0, `version ${first >>> 6}`);
  const tokenLength = first & 0x0f;
  if (tokenLength > 8) return new FormatFault(0, `token length ${tokenLength}`);
  const code = octets[1];
  if (code === 0 && length > 4) return new FormatFault(4, 'octets after an empty message');
  let at = 4 + tokenLength;
  if (at > length) return new FormatFault(length, 'ends within the token');

  let options = noOptions as CoapOption[];
  let payload = noOctets;
  let number = 0;
  while (at < length) {
    const start = at;
    const head = octets[at++];
    if (head === payloadMarker) {
      if (at === length) return new FormatFault(start, 'payload marker without a payload');
      payload = view(octets, at, length - at);
      break;
    }
    let delta = head >>> 4;
    let size = head & 0x0f;
    if (delta === 15 || size === 15) return new FormatFault(start, 'option with the reserved nibble 15');
    // Past the end the octets read as undefined, sums become NaN, and the comparison below fails on `at` first.
    if (delta === 13) delta = octets[at++] + 13;
    else if (delta === 14) {
      delta = ((octets[at] << 8) | octets[at + 1]) + 269;
      at += 2;
    }
    if (size === 13) size = octets[at++] + 13;
    else if (size === 14) {
      size = ((octets[at] << 8) | octets[at + 1]) + 269;
      at += 2;
    }
    if (at > length || at + size > length) return new FormatFault(start, 'ends within an option');
    number += delta;
    if (number > maxOptionNumber) return new FormatFault(start, `option number ${number}`);
    if (options === noOptions) options = [];
    options.push({ number, value: size === 0 ? noOctets : view(octets, at, size) });
    at += size;
  }
  const token = tokenLength === 0 ? noOctets : view(octets, 4, tokenLength);
  return { type: (first >>> 4) & 3, code, messageId: (octets[2] << 8) | octets[3], token, options, payload };
}

/** As `parseMessage`, and throws `coap.format` with the octet offset. */
export function decodeMessage(octets: Uint8Array): CoapMessage {
  const message = parseMessage(octets);
  if (!(message instanceof FormatFault)) return message;
  throw new GatewayError('coap.format', `not a CoAP message: ${message.reason} (octet ${message.offset})`);
}

/** The octets of a message; options may come in any order, those of one number keep theirs. */
export function encodeMessage(message: CoapMessage): Uint8Array {
  return encode(message.type, message.code, message.messageId, message.token, message.options, message.payload);
}

/** `encodeMessage` without the object around it. */
export function encode(
  type: number,
  code: number,
  messageId: number,
  token: Uint8Array,
  options: readonly CoapOption[],
  payload: Uint8Array,
): Uint8Array {
  if (token.length > 8) throw new RangeError(`token of ${token.length} octets`);
  const ordered = isAscending(options) ? options : options.toSorted((a, b) => a.number - b.number);
  const optionsEnd = 4 + token.length + optionsLength(ordered);
  const octets = Buffer.allocUnsafe(payload.length === 0 ? optionsEnd : optionsEnd + 1 + payload.length);
  octets[0] = (version << 6) | (type << 4) | token.length;
  octets[1] = code;
  octets[2] = messageId >>> 8;
  octets[3] = messageId;
  for (let i = 0; i < token.length; i++) octets[4 + i] = token[i];
  writeOptions(octets, 4 + token.length, ordered);
  if (payload.length > 0) {
    octets[optionsEnd] = payloadMarker;
    octets.set(payload, optionsEnd + 1);
  }
  return octets;
}

/** A message without code, token, options and payload: empty ACK, Reset, ping. RFC 7252 §4.1. */
export function encodeEmpty(type: number, messageId: number): Uint8Array {
  const octets = Buffer.allocUnsafe(4);
  octets[0] = (version << 6) | (type << 4);
  octets[1] = 0;
  octets[2] = messageId >>> 8;
  octets[3] = messageId;
  return octets;
}

/** Type, from a datagram of at least one octet, well-formed or not. */
export function typeOf(octets: Uint8Array): number {
  return (octets[0] >>> 4) & 3;
}

/** Message ID, from a datagram of at least four octets, well-formed or not. */
export function messageIdOf(octets: Uint8Array): number {
  return (octets[2] << 8) | octets[3];
}

export function setMessageId(octets: Uint8Array, messageId: number): void {
  octets[2] = messageId >>> 8;
  octets[3] = messageId;
}

function view(octets: Uint8Array, at: number, length: number): Uint8Array {
  return new Uint8Array(octets.buffer, octets.byteOffset + at, length);
}

function isAscending(options: readonly CoapOption[]): boolean {
  for (let i = 1; i < options.length; i++) if (options[i].number < options[i - 1].number) return false;
  return true;
}

function optionsLength(options: readonly CoapOption[]): number {
  let length = 0;
  let previous = 0;
  for (const { number, value } of options) {
    if (!(number >= 0 && number <= maxOptionNumber)) throw new RangeError(`option number ${number}`);
    if (value.length > maxOptionLength) throw new RangeError(`option ${number} of ${value.length} octets`);
    length += 1 + extensionLength(number - previous) + extensionLength(value.length) + value.length;
    previous = number;
  }
  return length;
}

/** 269 and what two octets hold. RFC 7252 §3.1. */
const maxOptionLength = 269 + 0xffff;

function extensionLength(size: number): number {
  return size < 13 ? 0 : size < 269 ? 1 : 2;
}

function nibble(size: number): number {
  return size < 13 ? size : size < 269 ? 13 : 14;
}

function writeOptions(octets: Uint8Array, start: number, options: readonly CoapOption[]): void {
  let at = start;
  let previous = 0;
  for (const { number, value } of options) {
    const delta = number - previous;
    octets[at++] = (nibble(delta) << 4) | nibble(value.length);
    at = writeExtension(octets, at, delta);
    at = writeExtension(octets, at, value.length);
    for (let i = 0; i < value.length; i++) octets[at++] = value[i];
    previous = number;
  }
}

function writeExtension(octets: Uint8Array, at: number, size: number): number {
  if (size < 13) return at;
  if (size < 269) {
    octets[at] = size - 13;
    return at + 1;
  }
  octets[at] = (size - 269) >>> 8;
  octets[at + 1] = size - 269;
  return at + 2;
}
