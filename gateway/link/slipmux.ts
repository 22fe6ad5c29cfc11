import { fcs16Good, fcs16Start, fcs16Step } from './fcs16.ts';

// RFC 1055.
const END = 0xc0;
const ESC = 0xdb;
const ESC_END = 0xdc;
const ESC_ESC = 0xdd;

/** First octet of a frame. draft-bormann-t2trg-slipmux §2. */
const DIAGNOSTIC = 0x0a;
const COAP = 0xa9;

const fcsBytes = 2;

/** Longest frame that is taken, type and FCS included, escapes undone. Ours: the draft sets none. */
export const maxFrameBytes = 2048;

/** Longest CoAP message that a frame carries. */
export const maxCoapBytes = maxFrameBytes - 1 - fcsBytes;

/** A CoAP message as a slipmux frame: END, 0xA9, message, FCS, END. draft-bormann-t2trg-slipmux §4. */
export function encodeCoapFrame(message: Uint8Array): Uint8Array {
  const wire = new Uint8Array(2 * (1 + message.length + fcsBytes) + 2);
  let length = 0;
  const put = (octet: number): void => {
    if (octet === END || octet === ESC) {
      wire[length++] = ESC;
      wire[length++] = octet === END ? ESC_END : ESC_ESC;
    } else {
      wire[length++] = octet;
    }
  };
  wire[length++] = END;
  put(COAP);
  let running = fcs16Step(fcs16Start, COAP);
  for (const octet of message) {
    put(octet);
    running = fcs16Step(running, octet);
  }
  const fcs = running ^ 0xffff;
  put(fcs & 0xff);
  put(fcs >> 8);
  wire[length++] = END;
  return wire.subarray(0, length);
}

/** What came in, by what became of it. Every frame that is not empty counts once. */
export interface SlipmuxCounters {
  coapFrames: number;
  diagnosticFrames: number;
  /** IPv4 and IPv6 packets, which we do not carry. */
  ipFrames: number;
  /** Frames of another type, or noise between frames. */
  unknownFrames: number;
  fcsErrors: number;
  /** ESC followed by something that RFC 1055 does not know. */
  escapeErrors: number;
  /** Longer than `maxFrameBytes`. */
  tooLongFrames: number;
  /** Given up by the sender with ESC END. */
  abortedFrames: number;
}

export function newSlipmuxCounters(): SlipmuxCounters {
  return {
    coapFrames: 0,
    diagnosticFrames: 0,
    ipFrames: 0,
    unknownFrames: 0,
    fcsErrors: 0,
    escapeErrors: 0,
    tooLongFrames: 0,
    abortedFrames: 0,
  };
}

export interface SlipmuxReceiver {
  /** One CoAP message whose FCS was right; the octets belong to the receiver. */
  onCoap(message: Uint8Array): void;
  /** The octets of a diagnostic frame, meant as UTF-8. They belong to the receiver. */
  onDiagnostic(text: Uint8Array): void;
}

/**
 * Finds frames in a stream that may be cut anywhere and may hold noise. It has one buffer of `maxFrameBytes` and takes
 * memory only for frames that it hands over. A frame that went wrong is dropped whole; the next END begins anew.
 */
export class SlipmuxDecoder {
  readonly counters: SlipmuxCounters = newSlipmuxCounters();
  readonly #receiver: SlipmuxReceiver;
  readonly #frame = new Uint8Array(maxFrameBytes);
  #length = 0;
  #running = fcs16Start;
  #escaped = false;
  #dropping = false;

  constructor(receiver: SlipmuxReceiver) {
    this.#receiver = receiver;
  }

  /** Takes octets as they come. */
  push(octets: Uint8Array): void {
    for (const octet of octets) this.#take(octet);
  }

  /** Forgets a frame that is half there: the port was closed and opened. */
  reset(): void {
    this.#length = 0;
    this.#running = fcs16Start;
    this.#escaped = false;
    this.#dropping = false;
  }

  #take(octet: number): void {
    if (octet === END) return this.#end();
    if (this.#dropping) return;
    if (octet === ESC && !this.#escaped) {
      this.#escaped = true;
      return;
    }
    if (!this.#escaped) return this.#put(octet);
    this.#escaped = false;
    if (octet === ESC_END) return this.#put(END);
    if (octet === ESC_ESC) return this.#put(ESC);
    this.#drop('escapeErrors');
  }

  #put(octet: number): void {
    if (this.#length === maxFrameBytes) return this.#drop('tooLongFrames');
    this.#frame[this.#length++] = octet;
    this.#running = fcs16Step(this.#running, octet);
  }

  #drop(why: keyof SlipmuxCounters): void {
    this.counters[why]++;
    this.#dropping = true;
  }

  #end(): void {
    const frame = this.#frame.subarray(0, this.#length);
    const whole = !this.#dropping && !this.#escaped;
    const isIntact = this.#running === fcs16Good;
    if (this.#escaped) this.counters.abortedFrames++;
    // Before the hand-over, so that a receiver that throws leaves no half frame behind.
    this.reset();
    if (whole && frame.length > 0) this.#deliver(frame, isIntact);
  }

  #deliver(frame: Uint8Array, isIntact: boolean): void {
    const type = frame[0];
    if (type === COAP) {
      if (!isIntact || frame.length < 1 + fcsBytes) {
        this.counters.fcsErrors++;
        return;
      }
      this.counters.coapFrames++;
      this.#receiver.onCoap(frame.slice(1, -fcsBytes));
    } else if (type === DIAGNOSTIC) {
      this.counters.diagnosticFrames++;
      this.#receiver.onDiagnostic(frame.slice(1));
    } else if (isIp(type)) {
      this.counters.ipFrames++;
    } else {
      this.counters.unknownFrames++;
    }
  }
}

/** The first octet of an IPv4 header (0x45 to 0x4f) or IPv6 header (0x60 to 0x6f) is its own type. */
function isIp(type: number): boolean {
  return (type >= 0x45 && type <= 0x4f) || (type >= 0x60 && type <= 0x6f);
}
