import { EventEmitter } from 'node:events';

/** The carrier knows its peer; node-coap wants an address to tell peers apart by. */
export const endpoint = { address: '127.0.0.1', hostname: '127.0.0.1', port: 5684, family: 'IPv4' };

/** What node-coap takes for a socket. */
export class Transport extends EventEmitter {
  readonly #sendOut: (datagram: Buffer) => void;
  #watcher: ((datagram: Buffer) => void) | undefined;

  constructor(sendOut: (datagram: Buffer) => void) {
    super();
    this.#sendOut = sendOut;
  }

  /** The signature of dgram.Socket's. */
  send(
    octets: Buffer,
    offset: number,
    length: number,
    _port: number,
    _host: string,
    done?: (error: null, bytes: number) => void,
  ): void {
    const datagram = octets.subarray(offset, offset + length);
    this.#watcher?.(datagram);
    this.#watcher = undefined;
    this.#sendOut(datagram);
    if (done) process.nextTick(done, null, length);
  }

  address(): typeof endpoint {
    return endpoint;
  }

  onNextSent(watcher: (datagram: Buffer) => void): void {
    this.#watcher = watcher;
  }

  deliver(octets: Buffer): void {
    this.emit('message', octets, endpoint);
  }
}
