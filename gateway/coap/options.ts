import { fromUtf8, utf8 } from '../base/bytes.ts';
import { noOctets } from './codec.ts';
import type { CoapOption } from './types.ts';

export interface OptionDefinition {
  readonly number: number;
  readonly name: string;
  readonly repeatable: boolean;
  readonly format: 'empty' | 'opaque' | 'uint' | 'string';
  readonly minOctets: number;
  readonly maxOctets: number;
}

/** Numbers by name. */
export const option = {
  ifMatch: 1,
  uriHost: 3,
  eTag: 4,
  ifNoneMatch: 5,
  observe: 6,
  uriPort: 7,
  locationPath: 8,
  oscore: 9,
  uriPath: 11,
  contentFormat: 12,
  maxAge: 14,
  uriQuery: 15,
  hopLimit: 16,
  accept: 17,
  locationQuery: 20,
  block2: 23,
  block1: 27,
  size2: 28,
  proxyUri: 35,
  proxyScheme: 39,
  size1: 60,
  echo: 252,
  noResponse: 258,
  requestTag: 292,
} as const;

/**
 * RFC 7252 §5.10; 6 RFC 7641 §2; 9 RFC 8613 §2; 16 RFC 8768 §3; 23, 27, 28 RFC 7959 §2.1, §4; 258 RFC 7967 §2;
 * 252, 292 RFC 9175 §2.2.1, §3.2.1. Critical is whoever has an odd number (RFC 7252 §5.4.6).
 */
export const optionTable: readonly OptionDefinition[] = [
  { number: 1, name: 'If-Match', repeatable: true, format: 'opaque', minOctets: 0, maxOctets: 8 },
  { number: 3, name: 'Uri-Host', repeatable: false, format: 'string', minOctets: 1, maxOctets: 255 },
  { number: 4, name: 'ETag', repeatable: true, format: 'opaque', minOctets: 1, maxOctets: 8 },
  { number: 5, name: 'If-None-Match', repeatable: false, format: 'empty', minOctets: 0, maxOctets: 0 },
  { number: 6, name: 'Observe', repeatable: false, format: 'uint', minOctets: 0, maxOctets: 3 },
  { number: 7, name: 'Uri-Port', repeatable: false, format: 'uint', minOctets: 0, maxOctets: 2 },
  { number: 8, name: 'Location-Path', repeatable: true, format: 'string', minOctets: 0, maxOctets: 255 },
  { number: 9, name: 'OSCORE', repeatable: false, format: 'opaque', minOctets: 0, maxOctets: 255 },
  { number: 11, name: 'Uri-Path', repeatable: true, format: 'string', minOctets: 0, maxOctets: 255 },
  { number: 12, name: 'Content-Format', repeatable: false, format: 'uint', minOctets: 0, maxOctets: 2 },
  { number: 14, name: 'Max-Age', repeatable: false, format: 'uint', minOctets: 0, maxOctets: 4 },
  { number: 15, name: 'Uri-Query', repeatable: true, format: 'string', minOctets: 0, maxOctets: 255 },
  { number: 16, name: 'Hop-Limit', repeatable: false, format: 'uint', minOctets: 1, maxOctets: 1 },
  { number: 17, name: 'Accept', repeatable: false, format: 'uint', minOctets: 0, maxOctets: 2 },
  { number: 20, name: 'Location-Query', repeatable: true, format: 'string', minOctets: 0, maxOctets: 255 },
  { number: 23, name: 'Block2', repeatable: false, format: 'uint', minOctets: 0, maxOctets: 3 },
  { number: 27, name: 'Block1', repeatable: false, format: 'uint', minOctets: 0, maxOctets: 3 },
  { number: 28, name: 'Size2', repeatable: false, format: 'uint', minOctets: 0, maxOctets: 4 },
  { number: 35, name: 'Proxy-Uri', repeatable: false, format: 'string', minOctets: 1, maxOctets: 1034 },
  { number: 39, name: 'Proxy-Scheme', repeatable: false, format: 'string', minOctets: 1, maxOctets: 255 },
  { number: 60, name: 'Size1', repeatable: false, format: 'uint', minOctets: 0, maxOctets: 4 },
  { number: 252, name: 'Echo', repeatable: false, format: 'opaque', minOctets: 1, maxOctets: 40 },
  { number: 258, name: 'No-Response', repeatable: false, format: 'uint', minOctets: 0, maxOctets: 1 },
  { number: 292, name: 'Request-Tag', repeatable: true, format: 'opaque', minOctets: 0, maxOctets: 8 },
];

const byNumber = new Map(optionTable.map(definition => [definition.number, definition]));

export function optionDefinition(number: number): OptionDefinition | undefined {
  return byNumber.get(number);
}

/** RFC 7252 §5.4.6. */
export function isCritical(number: number): boolean {
  return (number & 1) === 1;
}

/** Content-Format numbers. RFC 7252 §12.3. */
export const format = { text: 0, linkFormat: 40, octetStream: 42, json: 50, cbor: 60 } as const;

/** One option a segment; `/` and the empty text are no segments. `.` and `..` may not be sent (RFC 7252 §5.10.1). */
export function uriPath(path: string): CoapOption[] {
  const segments = path.replace(/^\//, '');
  if (segments === '') return [];
  return segments.split('/').map(segment => {
    if (segment === '.' || segment === '..') throw new RangeError(`"${segment}" is not a Uri-Path segment: ${path}`);
    return { number: option.uriPath, value: utf8(segment) };
  });
}

export function uriQuery(...parts: readonly string[]): CoapOption[] {
  return parts.map(part => ({ number: option.uriQuery, value: utf8(part) }));
}

export function contentFormat(number: number): CoapOption {
  return uintOption(option.contentFormat, number);
}

export function accept(number: number): CoapOption {
  return uintOption(option.accept, number);
}

export function maxAge(seconds: number): CoapOption {
  return uintOption(option.maxAge, seconds);
}

/** An unsigned integer in as few octets as it takes; zero takes none. RFC 7252 §3.2. */
export function uintOption(number: number, value: number): CoapOption {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff)
    throw new RangeError(`not an option uint: ${value}`);
  if (value === 0) return { number, value: noOctets };
  const octets: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return { number, value: Uint8Array.from(octets) };
}

/** The Uri-Path segments, none for the root; undefined when one is not UTF-8. */
export function uriPathOf(options: readonly CoapOption[]): string[] | undefined {
  return textsOf(options, option.uriPath);
}

export function uriQueryOf(options: readonly CoapOption[]): string[] | undefined {
  return textsOf(options, option.uriQuery);
}

export function contentFormatOf(options: readonly CoapOption[]): number | undefined {
  return uintOf(options, option.contentFormat);
}

export function acceptOf(options: readonly CoapOption[]): number | undefined {
  return uintOf(options, option.accept);
}

/** The value of the first option of this number. */
function valueOf(options: readonly CoapOption[], number: number): Uint8Array | undefined {
  for (const candidate of options) if (candidate.number === number) return candidate.value;
  return undefined;
}

/** The first option of this number as an unsigned integer; leading zeros are taken. RFC 7252 §3.2. */
export function uintOf(options: readonly CoapOption[], number: number): number | undefined {
  const value = valueOf(options, number);
  if (value === undefined) return undefined;
  let uint = 0;
  for (const octet of value) uint = uint * 256 + octet;
  return uint;
}

function textsOf(options: readonly CoapOption[], number: number): string[] | undefined {
  const texts: string[] = [];
  for (const candidate of options) {
    if (candidate.number !== number) continue;
    const text = fromUtf8(candidate.value);
    if (text === undefined) return undefined;
    texts.push(text);
  }
  return texts;
}
