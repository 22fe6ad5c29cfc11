import { spawn, type ChildProcess } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hex, toHex } from '../base/bytes.ts';
import type { GatewayError } from '../base/errors.ts';
import { silentLog } from '../base/log.ts';
import { TestClock } from '../base/test-clock.ts';
import type { Endpoint, Receiver } from '../channel/channel.ts';
import type { Diagnostic, Link, LinkState } from './link.ts';
import { createSerialLink } from './serial.ts';
import { openFailure } from './serial-errors.ts';

// slipmux-vectors.json: E2, a CoAP ping; E3, the RST to it; E4, octets that need escapes.
const ping = { coap: '40001234', wire: 'c0a940001234e6b3c0' };
const rst = { coap: '70001234', wire: 'c0a97000123414ffc0' };
const escaped = {
  coap: '4202dbc0c0dbb1721132ff7b2261223a317d',
  wire: 'c0a94202dbdddbdcdbdcdbddb1721132ff7b2261223a317d9854c0',
};

const pause = () => new Promise(resolve => setTimeout(resolve, 2));

/** A cable with two ends, `path` and `farPath`: two pseudo-terminals joined by socat. */
class Cable {
  readonly path: string;
  readonly farPath: string;
  #socat: ChildProcess | undefined;

  constructor(directory: string) {
    this.path = join(directory, 'A');
    this.farPath = join(directory, 'B');
  }

  async plug(): Promise<void> {
    const end = (link: string) => `pty,raw,echo=0,link=${link}`;
    this.#socat = spawn('socat', ['-d', '-d', end(this.path), end(this.farPath)], { stdio: 'ignore' });
    while (!existsSync(this.path) || !existsSync(this.farPath)) await pause();
  }

  /** SIGTERM lets socat take its links away. */
  async unplug(): Promise<void> {
    const socat = this.#socat;
    if (!socat || socat.exitCode !== null || socat.signalCode !== null) return;
    const ended = new Promise(resolve => socat.once('exit', resolve));
    socat.kill('SIGTERM');
    await ended;
    rmSync(this.path, { force: true });
    rmSync(this.farPath, { force: true });
  }
}

/** The device's end: plain reads and writes of octets. */
class FarEnd {
  readonly #fd: number;

  constructor(path: string) {
    this.#fd = openSync(path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  }

  write(wire: string): void {
    writeSync(this.#fd, hex(wire));
  }

  async read(octets: number): Promise<string> {
    const buffer = new Uint8Array(octets);
    let length = 0;
    while (length < octets) {
      try {
        length += readSync(this.#fd, buffer, length, octets - length, null);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
        await pause();
      }
    }
    return toHex(buffer);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

let directory: string;
let cable: Cable;
let far: FarEnd | undefined;
let clock: TestClock;
let link: Link;
let others: Link[];
let heard: { octets: string; from: Endpoint }[];
let lost: { endpoint: Endpoint; reason: GatewayError }[];
let diagnostics: Diagnostic[];

const receiver: Receiver = {
  onDatagram: (octets, from) => heard.push({ octets: toHex(octets), from }),
  onEndpointLost: (endpoint, reason) => lost.push({ endpoint, reason }),
};

function linkTo(path: string): Link {
  const made = createSerialLink({
    id: 'meters',
    path,
    baudRate: 115_200,
    clock,
    log: silentLog,
    onDiagnostic: diagnostic => diagnostics.push(diagnostic),
  });
  others.push(made);
  return made;
}

/** Lets time go on in steps until the link is in that state. */
async function becomes(state: LinkState, stepMs: number): Promise<void> {
  while (link.status().state !== state) {
    clock.advance(stepMs);
    await pause();
  }
}

const device = (): Endpoint => link.endpointAt('port')!;
const arrived = async (count: number) => {
  while (heard.length < count) await pause();
};

async function plugged(): Promise<void> {
  await cable.plug();
  far = new FarEnd(cable.farPath);
  await link.channel.open(receiver);
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'serial-'));
  cable = new Cable(directory);
  clock = new TestClock();
  others = [];
  heard = [];
  lost = [];
  diagnostics = [];
  link = linkTo(cable.path);
});

afterEach(async () => {
  for (const made of others) await made.channel.close();
  far?.close();
  far = undefined;
  await cable.unplug();
  rmSync(directory, { recursive: true });
});

describe('a port that is there', () => {
  beforeEach(plugged);

  test('carries CoAP messages both ways as the draft writes them', async () => {
    far!.write(ping.wire + escaped.wire);
    await arrived(2);
    expect(heard.map(({ octets }) => octets)).toEqual([ping.coap, escaped.coap]);
    link.channel.send(hex(rst.coap), heard[0].from);
    link.channel.send(hex(escaped.coap), device());
    expect(await far!.read((rst.wire.length + escaped.wire.length) / 2)).toBe(rst.wire + escaped.wire);
    expect(link.status()).toMatchObject({
      state: 'open',
      where: cable.path,
      counters: { datagramsIn: 2, datagramsOut: 2, octetsIn: 22, coapFrames: 2 },
    });
  });

  test('has one device, whose address is "port"', async () => {
    far!.write(ping.wire);
    await arrived(1);
    expect(link.addressOf(heard[0].from)).toBe('port');
    expect(link.endpointAt('port')).toBe(heard[0].from);
    expect(device().key).toBe('serial:meters');
    expect(link.endpointAt('127.0.0.1:5683')).toBeUndefined();
  });

  test('noise, a wrong FCS and an abort are counted and stop nothing', async () => {
    far!.write('ff00deadbeef c0a940001334e6b3c0 c0a9400012dbc0' + ping.wire);
    await arrived(1);
    expect(heard[0].octets).toBe(ping.coap);
    expect(link.status().counters).toMatchObject({ unknownFrames: 1, fcsErrors: 1, abortedFrames: 1, coapFrames: 1 });
  });

  test("a device's own words are handed on, without what would act on a screen", async () => {
    // "boot ok\n", then "a" ESC "[2J" and an octet that is not UTF-8.
    far!.write('c00a626f6f74206f6b0ac0 c00a611b5b324affc0' + ping.wire);
    await arrived(1);
    expect(diagnostics).toEqual([
      { linkId: 'meters', text: 'boot ok' },
      { linkId: 'meters', text: 'a\ufffd[2J\ufffd' },
    ]);
  });

  test('a message too large for a frame is dropped and counted', () => {
    link.channel.send(new Uint8Array(2046), device());
    expect(link.channel.counters).toMatchObject({ oversized: 1, datagramsOut: 0 });
  });

  test('what a device does not take is dropped instead of queued without end', () => {
    const message = new Uint8Array(1024);
    for (let i = 0; i < 500; i++) link.channel.send(message, device());
    const { datagramsOut, sendErrors } = link.channel.counters;
    expect(datagramsOut + sendErrors).toBe(500);
    // 2 s at 115 200 baud are 23 040 octets; what is written in one turn is queued before any of it leaves.
    expect(datagramsOut).toBe(Math.ceil(23_040 / 1031));
  });

  test('a second program on the port is told that it is in use, and who is first keeps it', async () => {
    const second = linkTo(cable.path);
    await second.channel.open(receiver);
    expect(second.status()).toMatchObject({
      state: 'opening',
      reason: { code: 'link.serial-busy', message: `cannot open ${cable.path}: in use` },
    });
    far!.write(ping.wire);
    await arrived(1);
    expect(link.status().state).toBe('open');
  });

  test('after close nothing is sent, no timer is left, and it may be closed and opened again', async () => {
    const before = device();
    await link.channel.close();
    await link.channel.close();
    link.channel.send(hex(ping.coap), before);
    expect(link.channel.counters.sendErrors).toBe(1);
    expect(link.status().state).toBe('closed');
    expect(clock.pending).toBe(0);
    await link.channel.open(receiver);
    await link.channel.open(receiver);
    link.channel.send(hex(ping.coap), device());
    expect(await far!.read(ping.wire.length / 2)).toBe(ping.wire);
  });

  test('unplugged: its endpoint is lost, sends are dropped, and plugged in again it is another endpoint', async () => {
    const before = device();
    far!.write('c0a94000');
    await cable.unplug();
    await becomes('opening', 1_000);
    expect(link.status().reason).toMatchObject({ code: 'link.serial-unplugged', message: `${cable.path} went away` });
    expect(lost).toMatchObject([{ endpoint: before, reason: { code: 'link.serial-unplugged' } }]);
    expect(lost[0].endpoint).toBe(before);
    link.channel.send(hex(ping.coap), device());
    expect(link.channel.counters.sendErrors).toBe(1);

    far!.close();
    await cable.plug();
    far = new FarEnd(cable.farPath);
    await becomes('open', 500);
    expect(link.status().reason).toBeUndefined();
    // The half frame from before the unplug is forgotten.
    far.write(ping.wire.slice(2));
    await arrived(1);
    expect(heard[0].octets).toBe(ping.coap);
    expect(heard[0].from).not.toBe(before);
    link.channel.send(hex(rst.coap), before);
    expect(link.channel.counters.sendErrors).toBe(2);
  });
});

// A hang-up that meets a read under way is one that the package by itself does not notice.
test('an unplug is noticed whenever it comes', async () => {
  for (let round = 0; round < 6; round++) {
    await cable.plug();
    const end = new FarEnd(cable.farPath);
    await link.channel.open(receiver);
    await becomes('open', 500);
    if (round % 2) end.write(ping.wire);
    await cable.unplug();
    await becomes('opening', 1_000);
    end.close();
  }
  expect(lost.length).toBe(6);
});

describe('a port that is not there', () => {
  test('is no reason not to start: the link says why and opens when the port comes', async () => {
    await link.channel.open(receiver);
    expect(link.status()).toMatchObject({ state: 'opening', reason: { code: 'link.serial-missing' } });
    await cable.plug();
    far = new FarEnd(cable.farPath);
    await becomes('open', 500);
    far.write(ping.wire);
    await arrived(1);
  });

  test('is asked for at 0.5, 1.5, 3.5, 7.5 and then every 5 s', async () => {
    await link.channel.open(receiver);
    const triedAtMs: number[] = [];
    while (triedAtMs.length < 6) {
      if (clock.pending > 0) {
        const before = clock.monotonicMs();
        while (clock.pending > 0) clock.advance(500);
        if (clock.monotonicMs() > before) triedAtMs.push(clock.monotonicMs());
      }
      await link.channel.open(receiver);
    }
    expect(triedAtMs).toEqual([500, 1_500, 3_500, 7_500, 12_500, 17_500]);
    await link.channel.close();
    expect(clock.pending).toBe(0);
  });

  test('may be closed while it is being opened', async () => {
    await cable.plug();
    const opening = link.channel.open(receiver);
    await link.channel.close();
    await opening;
    expect(link.status().state).toBe('closed');
    expect(clock.pending).toBe(0);
  });
});

test('a file that is no port is named as such', async () => {
  writeFileSync(cable.path, '');
  await link.channel.open(receiver);
  expect(link.status().reason).toMatchObject({
    code: 'link.serial-failed',
    message: `cannot open ${cable.path}: it is not a serial port`,
  });
});

// The package's own sentences on Linux, serialport_unix.cpp.
test.each([
  ['Error: No such file or directory, cannot open /dev/ttyACM0', 'link.serial-missing'],
  ['Error: No such device or address, cannot open /dev/ttyS9', 'link.serial-missing'],
  ['Error: Permission denied, cannot open /dev/ttyACM0', 'link.serial-permission'],
  ['Error: Device or resource busy, cannot open /dev/ttyACM0', 'link.serial-busy'],
  ['Error Resource temporarily unavailable Cannot lock port', 'link.serial-busy'],
  ['Error: Input/output error setting custom baud rate of 115200', 'link.serial-failed'],
])('%j becomes %s', (words, code) => {
  const failure = openFailure('/dev/ttyACM0', new Error(words));
  expect(failure.code).toBe(code);
  expect(failure.message).toContain('/dev/ttyACM0');
});
