import { hex, toHex } from '../base/bytes.ts';
import { seededRandom } from '../base/random.ts';
import { TestClock } from '../base/test-clock.ts';
import type { Channel, Endpoint, SecurityContext } from '../channel/channel.ts';
import { createMemoryHub, type Faults, type MemoryChannel, type MemoryHub } from '../channel/memory.ts';
import { createCoapEndpoint, type CoapEndpointOptions } from './endpoint.ts';
import { method } from './codes.ts';
import { noOctets } from './codec.ts';
import { uriPath } from './options.ts';
import type { CoapEndpoint, CoapRequest } from './types.ts';

/** For tests: what surrounds an endpoint under test. */
export interface TestWorldOptions extends Partial<Omit<CoapEndpointOptions, 'channel' | 'clock'>> {
  readonly faults?: Partial<Faults>;
  readonly seed?: number;
  readonly security?: SecurityContext;
  readonly maxDatagramBytes?: number;
}

export interface TestWorld {
  readonly clock: TestClock;
  readonly hub: MemoryHub;
  readonly endpoint: CoapEndpoint;
  readonly channel: MemoryChannel;
  /** The other side, which speaks octets and does what the test says. */
  readonly peer: OctetPeer;
  /** Another one at another address. */
  readonly stranger: OctetPeer;
}

/** An endpoint under test named `us`, and two peers that speak octets, on a clock that stands still. */
export async function createTestWorld(options: TestWorldOptions = {}): Promise<TestWorld> {
  const { faults, seed = 1, security, maxDatagramBytes, ...rest } = options;
  const clock = new TestClock();
  const hub = createMemoryHub({ clock, random: seededRandom(seed), faults });
  const channel = hub.channel('us', { security, maxDatagramBytes });
  const endpoint = createCoapEndpoint({ channel, clock, random: seededRandom(seed + 1), ...rest });
  await endpoint.start();
  const peer = await OctetPeer.open(hub, clock, 'peer', channel);
  const stranger = await OctetPeer.open(hub, clock, 'stranger', channel);
  return { clock, hub, endpoint, channel, peer, stranger };
}

export interface TestPair {
  readonly clock: TestClock;
  readonly hub: MemoryHub;
  readonly client: CoapEndpoint;
  readonly server: CoapEndpoint;
  readonly toServer: Endpoint;
}

/** Two endpoints, `client` and `server`, over a network with seeded faults. */
export async function createTestPair(options: TestWorldOptions = {}): Promise<TestPair> {
  const { faults, seed = 1, security, maxDatagramBytes, handler, ...rest } = options;
  const clock = new TestClock();
  const hub = createMemoryHub({ clock, random: seededRandom(seed), faults });
  const at = hub.channel('client', { security, maxDatagramBytes });
  const make = (channel: Channel, part: number): CoapEndpoint =>
    createCoapEndpoint({
      channel,
      clock,
      random: seededRandom(seed + part),
      handler: part === 2 ? handler : undefined,
      ...rest,
    });
  const client = make(at, 1);
  const server = make(hub.channel('server', { security, maxDatagramBytes }), 2);
  await Promise.all([client.start(), server.start()]);
  return { clock, hub, client, server, toServer: at.endpointFor('server') };
}

/** Says octets, and keeps those it hears, both as hexadecimal text. */
export class OctetPeer {
  readonly name: string;
  readonly #clock: TestClock;
  readonly #channel: MemoryChannel;
  readonly #us: MemoryChannel;
  #heard: string[] = [];

  private constructor(name: string, clock: TestClock, channel: MemoryChannel, us: MemoryChannel) {
    this.name = name;
    this.#clock = clock;
    this.#channel = channel;
    this.#us = us;
  }

  static async open(hub: MemoryHub, clock: TestClock, name: string, us: MemoryChannel): Promise<OctetPeer> {
    const channel = hub.channel(name);
    const peer = new OctetPeer(name, clock, channel, us);
    await channel.open({ onDatagram: octets => void peer.#heard.push(toHex(octets)) });
    return peer;
  }

  /** As the endpoint under test sees this peer. */
  get endpoint(): Endpoint {
    return this.#us.endpointFor(this.name);
  }

  /** Says this to the endpoint under test, lets what follows at once happen, and returns what came back. */
  async say(octets: string): Promise<string[]> {
    this.#channel.send(hex(octets), this.#channel.endpointFor('us'));
    return this.heard();
  }

  /** What came since the last time, after time has moved on by this much. */
  async heard(afterMs = 0): Promise<string[]> {
    await this.#clock.advanceAsync(afterMs);
    // One more step: what a handler says is carried by a timer that was set meanwhile.
    await this.#clock.advanceAsync(0);
    return this.#heard.splice(0);
  }
}

/** The Message ID and the token of a message in hexadecimal, as a peer needs them to answer it. */
export function headerOf(wire: string): { mid: string; token: string } {
  return { mid: wire.slice(4, 8), token: wire.slice(8, 8 + 2 * Number.parseInt(wire[1], 16)) };
}

/** GET on this path. */
export function get(path: string, confirmable = true): CoapRequest {
  return { code: method.get, options: uriPath(path), payload: noOctets, confirmable };
}
