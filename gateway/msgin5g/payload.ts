import { fromUtf8, utf8 } from '../base/bytes.ts';
import type { Elements } from './elements.ts';
import { malformed } from './json.ts';
import type { Refusal } from './refusal.ts';

/** How octets travel in a JSON string: text, base64 with `payloadEnc`, or (auto) text where they are UTF-8. Project profile; TS 29.538 only says string. */
export type PayloadCoding = 'auto' | 'text' | 'base64';

export interface CodedPayload {
  readonly payload: string;
  readonly payloadEnc?: string;
}

export function encodePayload(octets: Uint8Array, coding: PayloadCoding = 'auto'): CodedPayload {
  const text = coding === 'base64' ? undefined : fromUtf8(octets);
  if (text !== undefined) return { payload: text };
  return {
    payload: Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('base64'),
    payloadEnc: 'base64',
  };
}

export function payloadOctets(coded: CodedPayload): Uint8Array {
  return coded.payloadEnc === 'base64' ? new Uint8Array(Buffer.from(coded.payload, 'base64')) : utf8(coded.payload);
}

/**
 * The same octets in the coding the next peer wants. `auto` leaves what came as it came; octets that are not text stay
 * base64 even where text is wanted; a coding nobody here knows is passed on.
 */
export function recodePayload(coded: CodedPayload, coding: PayloadCoding): CodedPayload {
  const isKnown = coded.payloadEnc === undefined || coded.payloadEnc === 'base64';
  if (coding === 'auto' || !isKnown || coding === (coded.payloadEnc ?? 'text')) return coded;
  return encodePayload(payloadOctets(coded), coding);
}

const base64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Says when a payload is not what its `payloadEnc` says it is. */
export function checkPayload(message: Elements): Refusal | undefined {
  const { payload, payloadEnc } = message;
  if (payloadEnc !== 'base64' || typeof payload !== 'string') return undefined;
  return payload.length % 4 === 0 && base64.test(payload)
    ? undefined
    : malformed('payload', 'is not base64, which payloadEnc says it is');
}
