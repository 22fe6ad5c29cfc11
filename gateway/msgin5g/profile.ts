import type { Secret } from '../base/secret.ts';
import { createElementMap, type ElementMap } from './elements.ts';
import type { PayloadCoding } from './payload.ts';
import type { Address } from './types.ts';

/** What the specifications leave open, as settings. The defaults are the project profile. */
export interface Profile {
  /** The gateway UE's own UE Service ID. */
  readonly ueServiceId: string;
  /** Segments of the Uri-Path, on both interfaces. */
  readonly uriPath: readonly string[];
  readonly serviceId: string;
  /** For servers built on the older stage 2, which wants "UE credential information" in REG and DEREG. */
  readonly ueCredential?: Secret;
  /** Where a device's message goes that names no recipient. Without it such a message is refused. */
  readonly defaultDestination?: Address;
  /** The server's vocabulary, and the devices'. */
  readonly serverElements: ElementMap;
  readonly deviceElements: ElementMap;
  /** Of payloads on their way to the server. */
  readonly payloadCoding: PayloadCoding;
  /** Largest request of a device, JSON octets. RFC 7252 §4.6: 1024, when nothing more is known. */
  readonly maxDeviceRequestOctets: number;
  /** Largest request of the server. Ours: a segment of 2048 octets (TS 23.554 §8.5.1) in base64, and the elements around it. */
  readonly maxServerRequestOctets: number;
  /** Life of a message without an expiration time of its own. Ours: a site that is cut off on a Friday is back within the week. */
  readonly messageLifetimeMs: number;
  /** Messages that may wait on either way; then whoever sends gets 5.03. Ours: about an hour at 30 a second. */
  readonly maxQueued: number;
  /** Max-Age of a 5.03. Ours: a full disk or a full queue is rarely over within a few seconds. */
  readonly busyMaxAgeSeconds: number;
  /** How long a copy of a request may follow it. RFC 7252 §4.8.2, EXCHANGE_LIFETIME; the CoAP endpoints' own. */
  readonly exchangeLifetimeMs: number;
}

/** The project profile with the settings given; a setting that is undefined is not given. */
export function createProfile(settings: { ueServiceId: string } & Partial<Profile>): Profile {
  const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  return { ...defaults, ...(given as typeof settings) };
}

const defaults: Omit<Profile, 'ueServiceId'> = {
  uriPath: ['msgin5g'],
  serviceId: 'msgin5g',
  serverElements: createElementMap(),
  deviceElements: createElementMap(),
  payloadCoding: 'auto',
  maxDeviceRequestOctets: 1_024,
  maxServerRequestOctets: 4_096,
  messageLifetimeMs: 7 * 24 * 3_600_000,
  maxQueued: 100_000,
  busyMaxAgeSeconds: 10,
  exchangeLifetimeMs: 247_000,
};
