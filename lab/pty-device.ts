import { constants, openSync, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { codeOf } from '../gateway/base/errors.ts';
import type { DeviceLink, Endpoint } from './device.ts';
import { SlipmuxReader, encodeCoap, encodeDiagnostic } from './slipmux.ts';

/** Ours: octets that may wait for the line; a frame that finds more waiting is lost, as on a line that nobody reads. */
const maxWaitingBytes = 8_192;

/** Ours: how soon a full terminal is tried again. */
const fullRetryMs = 5;

/**
 * A device's way to the gateway over a serial line: slipmux on one end of a pseudo-terminal pair. The terminal is opened
 * non-blocking and written with plain system calls, since a blocking write to a line that nobody reads would hold a thread
 * for ever and with it the end of the process.
 */
export class PtyDeviceLink implements DeviceLink {
  readonly kind = 'serial';
  readonly #path: string;
  readonly #greeting: string;
  readonly #reader = new SlipmuxReader();
  #terminal: { stream: ReadStream; descriptor: number } | undefined;
  #waiting: Uint8Array = new Uint8Array(0);
  #retry: NodeJS.Timeout | undefined;

  /** @param greeting a line of text that the device says when its line opens, as firmware does */
  constructor(path: string, greeting: string) {
    this.#path = path;
    this.#greeting = greeting;
  }

  /** The gateway is whoever has the other end. */
  async open(_gateway: Endpoint, receive: (message: Uint8Array) => void): Promise<void> {
    if (this.#terminal) return;
    const descriptor = openSync(this.#path, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOCTTY);
    const stream = new ReadStream(descriptor);
    stream.on('data', (octets: Buffer) => {
      for (const frame of this.#reader.push(octets)) if (frame.kind === 'coap') receive(frame.message);
    });
    stream.on('error', () => this.close());
    stream.on('end', () => this.close());
    this.#terminal = { stream, descriptor };
    this.sendRaw(encodeDiagnostic(this.#greeting));
  }

  send(message: Uint8Array): void {
    this.sendRaw(encodeCoap(message));
  }

  sendRaw(octets: Uint8Array): void {
    if (!this.#terminal || this.#waiting.length > maxWaitingBytes) return;
    this.#waiting = Buffer.concat([this.#waiting, octets]);
    this.#write();
  }

  close(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#waiting = new Uint8Array(0);
    const { stream } = this.#terminal ?? {};
    this.#terminal = undefined;
    stream?.destroy();
  }

  #write(): void {
    this.#retry = undefined;
    try {
      while (this.#terminal && this.#waiting.length > 0) {
        this.#waiting = this.#waiting.subarray(writeSync(this.#terminal.descriptor, this.#waiting));
      }
    } catch (error) {
      if (codeOf(error) === 'EAGAIN') this.#retry ??= setTimeout(() => this.#write(), fullRetryMs);
      else this.close();
    }
  }
}
