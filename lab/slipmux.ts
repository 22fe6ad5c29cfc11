import { fromUtf8, utf8 } from '../gateway/base/bytes.ts';

// The lab's own slipmux (draft-bormann-t2trg-slipmux-04), written from the draft apart from the gateway's.

const end = 0xc0;
const escape = 0xdb;
const escapedEnd = 0xdc;
const escapedEscape = 0xdd;

/** First octet of a frame: what the rest is. */
const diagnosticKind = 0x0a;
const coapKind = 0xa9;

/** The draft sets no limit; the project profile's, in unescaped octets, kind and FCS included. */
const maxFrameBytes = 2_048;

export type SlipmuxFrame = { kind: 'coap'; message: Uint8Array } | { kind: 'diagnostic'; text: string };

/** A CoAP message framed for the line: END, 0xA9, message, FCS least significant octet first, END. */
export function encodeCoap(message: Uint8Array): Uint8Array {
  const body = Uint8Array.of(coapKind, ...message);
  const fcs = fcs16(body) ^ 0xffff;
  return delimit(Uint8Array.of(...body, fcs & 0xff, fcs >> 8));
}

/** A line of text that only people read; device to host only. */
export function encodeDiagnostic(text: string): Uint8Array {
  return delimit(Uint8Array.of(diagnosticKind, ...utf8(text)));
}

/** FCS-16 as a running value, without the final complement. RFC 1662 §C.2: polynomial 0x8408 reflected, initial 0xFFFF. */
export function fcs16(octets: Iterable<number>): number {
  let value = 0xffff;
  for (const octet of octets) {
    value ^= octet;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x8408 : value >>> 1;
  }
  return value;
}

/** The running value over data and a right FCS. RFC 1662 §C.2 */
const goodFcs = 0xf0b8;

/** Takes octets as they come from the line, cut anywhere, and gives the frames that they complete. */
export class SlipmuxReader {
  #frame: number[] = [];
  #escaping = false;
  /** After a wrong escape or too many octets: nothing counts until the next END. */
  #skipping = false;
  readonly counts = { badFcs: 0, aborted: 0, badEscape: 0, tooLong: 0, otherKind: 0 };

  push(octets: Iterable<number>): SlipmuxFrame[] {
    const frames: SlipmuxFrame[] = [];
    for (const octet of octets) {
      if (octet === end) {
        const frame = this.#finish();
        if (frame) frames.push(frame);
      } else if (!this.#skipping) {
        this.#take(octet);
      }
    }
    return frames;
  }

  #take(octet: number): void {
    if (this.#escaping) {
      this.#escaping = false;
      if (octet === escapedEnd) this.#frame.push(end);
      else if (octet === escapedEscape) this.#frame.push(escape);
      else this.#skip('badEscape');
    } else if (octet === escape) {
      this.#escaping = true;
    } else {
      this.#frame.push(octet);
    }
    if (this.#frame.length > maxFrameBytes) this.#skip('tooLong');
  }

  #skip(why: 'badEscape' | 'tooLong'): void {
    this.counts[why]++;
    this.#skipping = true;
    this.#frame = [];
  }

  #finish(): SlipmuxFrame | undefined {
    const frame = Uint8Array.from(this.#frame);
    const aborted = this.#escaping;
    this.#frame = [];
    this.#escaping = false;
    this.#skipping = false;
    if (aborted) {
      this.counts.aborted++;
      return undefined;
    }
    return frame.length === 0 ? undefined : this.#decode(frame);
  }

  #decode(frame: Uint8Array): SlipmuxFrame | undefined {
    if (frame[0] === coapKind) {
      if (frame.length >= 3 && fcs16(frame) === goodFcs) return { kind: 'coap', message: frame.slice(1, -2) };
      this.counts.badFcs++;
    } else if (frame[0] === diagnosticKind) {
      return { kind: 'diagnostic', text: fromUtf8(frame.subarray(1)) ?? '' };
    } else {
      this.counts.otherKind++;
    }
    return undefined;
  }
}

function delimit(octets: Uint8Array): Uint8Array {
  const wire: number[] = [end];
  for (const octet of octets) {
    if (octet === end) wire.push(escape, escapedEnd);
    else if (octet === escape) wire.push(escape, escapedEscape);
    else wire.push(octet);
  }
  wire.push(end);
  return Uint8Array.from(wire);
}
