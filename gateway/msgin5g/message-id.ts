import { hash } from 'node:crypto';
import { utf8 } from '../base/bytes.ts';

/**
 * Message IDs for devices that give none, and Message IDs on MSGin5G-1.
 *
 * A device repeats a Confirmable request octet for octet until it hears an answer. While the gateway runs, the CoAP
 * endpoint recognises the copy. When the gateway died after the commit and before the answer, only the disk remembers,
 * so the ID has to come out of the copy itself: out of (device, place, token, CoAP Message ID, payload hash). The place
 * belongs to it because a CoAP Message ID means something on its own endpoint only (RFC 7252 §4.4).
 *
 * The same five also come back in a message that is new: a device that starts its counters anew after a reset says
 * "door open" with the same token and Message ID as last week. RFC 7252 §4.4 separates the two by time alone: within
 * EXCHANGE_LIFETIME of the first it is a copy, after that it is new. Hence two more inputs:
 *
 * - `turn`, 0 and up. An ID that the disk refuses as seen is looked up; when the message that holds it is younger than
 *   EXCHANGE_LIFETIME this one is its copy, else the next turn is tried. Nothing is looked up for an ID not seen before.
 * - `epoch`, the hour of the wall clock, so that turns begin at 0 again and there are at most 3600 / 247 of them.
 *
 * A copy may come after the hour has turned. In one run the CoAP endpoint has recognised it before it comes here; after
 * a start, for one EXCHANGE_LIFETIME, and only as long after the turn of the hour, the last hour's IDs are looked up
 * first. A wall clock that jumps by more than EXCHANGE_LIFETIME between crash and copy defeats this: the copy is then
 * a second message.
 */
export interface CopyMarks {
  readonly layer2Id: string;
  /** Link and address. */
  readonly place: string;
  readonly token: Uint8Array;
  readonly coapMessageId: number;
  readonly payload: Uint8Array;
}

/** Ours: long against EXCHANGE_LIFETIME, so that the turn of it is rare; short enough to keep the number of turns small. */
const epochMs = 3_600_000;

export function epochOf(wallMs: number): number {
  return Math.floor(wallMs / epochMs);
}

/** Whether a copy of a message of the last epoch may come in now, unknown to the CoAP endpoint. */
export function mayCopyLastEpoch(wallMs: number, runningMs: number, exchangeLifetimeMs: number): boolean {
  return runningMs < exchangeLifetimeMs && wallMs - epochOf(wallMs) * epochMs < exchangeLifetimeMs;
}

/** What is the same for every epoch and turn. 32 octets as hexadecimal text. */
export function digestMarks(marks: CopyMarks): string {
  const payload = hash('sha256', marks.payload, 'hex');
  const token = Buffer.from(marks.token).toString('hex');
  // JSON keeps the parts apart, whatever characters they hold.
  return hash(
    'sha256',
    JSON.stringify(['fieldgate message', marks.layer2Id, marks.place, token, marks.coapMessageId, payload]),
    'hex',
  );
}

/** 16 octets in the form of a UUID, version 8 (RFC 9562 §5.8). TS 24.538 Table A.2.1.1-1 has 16 octets for a Message ID. */
export function deriveMessageId(digest: string, epoch: number, turn: number): string {
  const octets = Buffer.from(hash('sha256', utf8(`${digest} ${epoch} ${turn}`), 'hex').slice(0, 32), 'hex');
  octets[6] = (octets[6] & 0x0f) | 0x80;
  octets[8] = (octets[8] & 0x3f) | 0x80;
  const text = octets.toString('hex');
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-${text.slice(12, 16)}-${text.slice(16, 20)}-${text.slice(20)}`;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * The Message ID of a device's message on MSGin5G-1. There the gateway is the originator, and whoever keeps message IDs
 * keeps them under its UE Service ID: two devices that both count 1, 2, 3 would swallow each other's messages. A UUID
 * goes as it is; any other ID is preceded by the device's Layer-2 ID, which `readWireMessageId` takes off again.
 */
export function wireMessageId(layer2Id: string, messageId: string): string {
  return uuid.test(messageId) ? messageId : `${encodeURIComponent(layer2Id)}/${messageId}`;
}

/** The device and its own ID, where the ID on MSGin5G-1 tells. */
export function readWireMessageId(wireId: string): { layer2Id: string; messageId: string } | undefined {
  const slash = wireId.indexOf('/');
  if (slash < 0) return undefined;
  try {
    return { layer2Id: decodeURIComponent(wireId.slice(0, slash)), messageId: wireId.slice(slash + 1) };
  } catch {
    return undefined;
  }
}
