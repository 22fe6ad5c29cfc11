import { isatty } from 'node:tty';
import { SerialPort } from 'serialport';
import type { Cancel, Clock } from '../base/clock.ts';
import type { GatewayError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { newChannelCounters, type Channel, type Endpoint, type Receiver } from '../channel/channel.ts';
import type { Diagnostic, Link, LinkStatus } from './link.ts';
import { openFailure, portLost } from './serial-errors.ts';
import { encodeCoapFrame, maxCoapBytes, maxFrameBytes, SlipmuxDecoder } from './slipmux.ts';
import { Standing } from './standing.ts';

export interface SerialLinkOptions {
  readonly id: string;
  readonly path: string;
  /** 8 data bits, no parity, 1 stop bit, no flow control. draft-bormann-t2trg-slipmux §2 names 115 200. */
  readonly baudRate: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly onDiagnostic?: (diagnostic: Diagnostic) => void;
}

/** A UART, or anything that looks like one, with CoAP in slipmux frames: one device, whose address is `port`. */
export function createSerialLink(options: SerialLinkOptions): Link {
  const standing = new Standing(options.clock);
  const channel = new SerialChannel(options, standing);
  const status = (): LinkStatus => ({
    id: options.id,
    kind: 'serial',
    where: options.path,
    ...standing.now,
    counters: { ...channel.counters, ...channel.frames },
  });
  return {
    id: options.id,
    kind: 'serial',
    channel,
    status,
    onStatus: listener => standing.onChange(() => listener(status())),
    addressOf: () => onlyAddress,
    endpointAt: address => (address === onlyAddress ? channel.endpoint : undefined),
  };
}

const onlyAddress = 'port';

/** Ours: a device that was plugged in again is heard soon, and a port that stays away costs one try in 5 s. */
const firstRetryMs = 500;
const lastRetryMs = 5_000;

/** Ours: how soon a hang-up shows that the package missed. */
const hangUpCheckMs = 1_000;

/** Ours: a driver that does not let go of its port must not hold up the end of the program. */
const closeWithinMs = 1_000;

/** What leaves later than this meets its own retransmission. RFC 7252 §4.8, ACK_TIMEOUT. */
const longestQueueMs = 2_000;

/** Start bit, 8 data bits, stop bit. */
const bitsPerOctet = 10;

/** Every octet escaped, and END on both sides. */
const longestWireFrameBytes = 2 * maxFrameBytes + 2;

/** Open from `open` to `close`, while the port behind it comes and goes. */
class SerialChannel implements Channel {
  readonly framing = 'datagram';
  readonly isReliable = false;
  readonly isOrdered = true;
  readonly maxDatagramBytes = maxCoapBytes;
  readonly counters = newChannelCounters();
  readonly #options: SerialLinkOptions;
  readonly #standing: Standing;
  readonly #decoder: SlipmuxDecoder;
  readonly #maxQueuedBytes: number;
  #receiver: Receiver | undefined;
  #endpoint: Endpoint;
  #port: SerialPort | undefined;
  #opening: Promise<void> | undefined;
  /** Of the next try while the port is away, of the next look for a hang-up while it is open. */
  #cancelTimer: Cancel | undefined;
  #retryMs = firstRetryMs;

  constructor(options: SerialLinkOptions, standing: Standing) {
    this.#options = options;
    this.#standing = standing;
    this.#endpoint = endpointOf(options);
    this.#maxQueuedBytes = Math.max(
      longestWireFrameBytes,
      ((options.baudRate / bitsPerOctet) * longestQueueMs) / 1_000,
    );
    this.#decoder = new SlipmuxDecoder({
      onCoap: message => this.#onCoap(message),
      onDiagnostic: text => this.#onDiagnostic(text),
    });
  }

  get frames() {
    return this.#decoder.counters;
  }

  /** Who is on the port; another object after the port went away, since it may come back with another device. */
  get endpoint(): Endpoint {
    return this.#endpoint;
  }

  /** Resolves after the first try, whatever came of it: a port that is not there yet is waited for. */
  open(receiver: Receiver): Promise<void> {
    if (this.#receiver === undefined) {
      this.#receiver = receiver;
      this.#retryMs = firstRetryMs;
      this.#standing.set('opening');
      this.#opening = this.#tryOpen();
    }
    return this.#opening ?? Promise.resolve();
  }

  send(octets: Uint8Array, to: Endpoint): void {
    const { counters } = this;
    if (octets.length > this.maxDatagramBytes) {
      counters.oversized++;
      return;
    }
    const port = this.#port;
    // The package never calls back for a write after close, so nothing here waits for one.
    if (!port?.isOpen || to !== this.#endpoint || port.writableLength >= this.#maxQueuedBytes) {
      counters.sendErrors++;
      return;
    }
    const frame = encodeCoapFrame(octets);
    counters.datagramsOut++;
    counters.octetsOut += octets.length;
    port.write(frame);
  }

  async close(): Promise<void> {
    if (this.#receiver === undefined) return;
    this.#receiver = undefined;
    this.#cancelTimer?.();
    const port = this.#port;
    this.#port = undefined;
    await this.#atMost(closeWithinMs, Promise.all([this.#opening, port && closed(port)]));
    this.#standing.set('closed');
  }

  async #tryOpen(): Promise<void> {
    const { path, baudRate, log } = this.#options;
    const receiver = this.#receiver;
    const port = new SerialPort({ path, baudRate, autoOpen: false });
    const failure = await opened(port);
    if (this.#receiver !== receiver) {
      if (!failure) await closed(port);
      return;
    }
    if (failure) {
      const reason = openFailure(path, failure);
      if (this.#standing.now.reason?.code !== reason.code)
        log.warn(reason.message, { code: reason.code, hint: reason.hint });
      return this.#retryLater(reason);
    }
    this.#port = port;
    this.#retryMs = firstRetryMs;
    this.#decoder.reset();
    port.on('error', cause => log.warn('serial port error', { path, reason: cause.message }));
    port.once('close', (cause?: Error | null) => this.#onPortLost(port, cause));
    // Without a listener for data the package does not notice that a port went away.
    port.on('data', (octets: Uint8Array) => this.#decoder.push(octets));
    this.#watch(port);
    log.info('serial port is open', { path, baudRate });
    this.#standing.set('open');
  }

  // A hang-up while a read is under way makes the package read end of file again and again, without a word.
  #watch(port: SerialPort): void {
    this.#cancelTimer = this.#options.clock.after(hangUpCheckMs, () => {
      if (isHungUp(port)) port.close();
      else this.#watch(port);
    });
  }

  #onPortLost(port: SerialPort, cause: unknown): void {
    if (this.#port !== port) return;
    this.#cancelTimer?.();
    const { path, log } = this.#options;
    const gone = this.#endpoint;
    this.#port = undefined;
    this.#endpoint = endpointOf(this.#options);
    const reason = portLost(path, cause ?? undefined);
    log.warn(reason.message, { code: reason.code, hint: reason.hint });
    this.#retryLater(reason);
    this.#receiver?.onEndpointLost?.(gone, reason);
  }

  #retryLater(reason: GatewayError): void {
    this.#cancelTimer = this.#options.clock.after(this.#retryMs, () => (this.#opening = this.#tryOpen()));
    this.#retryMs = Math.min(2 * this.#retryMs, lastRetryMs);
    this.#standing.set('opening', reason);
  }

  #onCoap(message: Uint8Array): void {
    this.counters.datagramsIn++;
    this.counters.octetsIn += message.length;
    this.#receiver?.onDatagram(message, this.#endpoint);
  }

  #onDiagnostic(octets: Uint8Array): void {
    const { id, log, onDiagnostic } = this.#options;
    const text = printable(octets);
    log.info('device says', { text });
    onDiagnostic?.({ linkId: id, text });
  }

  /** Waits for `work`, but not longer. */
  #atMost(ms: number, work: Promise<unknown>): Promise<void> {
    return new Promise(resolve => {
      const cancel = this.#options.clock.after(ms, resolve);
      void work.finally(() => {
        cancel();
        resolve();
      });
    });
  }
}

function endpointOf({ id }: SerialLinkOptions): Endpoint {
  return { key: `serial:${id}` };
}

/** What was in the way, or undefined when the port is open. */
function opened(port: SerialPort): Promise<Error | undefined> {
  return new Promise(resolve => port.open(error => resolve(error ?? undefined)));
}

/** Resolves when the port is closed, at once when it is. */
function closed(port: SerialPort): Promise<void> {
  return new Promise(resolve => port.close(() => resolve()));
}

/** A terminal that was hung up answers no question any more, what kind of file it is among them. */
function isHungUp(port: SerialPort): boolean {
  const binding = port.port;
  return binding !== undefined && 'fd' in binding && binding.fd !== null && !isatty(binding.fd);
}

/** Text that can stand in a log and on a screen: control and format characters would act there. */
function printable(octets: Uint8Array): string {
  const text = new TextDecoder().decode(octets).replace(/[\r\n]+$/, '');
  return text.replace(/[^\P{C}\n\t]/gu, '\ufffd');
}
