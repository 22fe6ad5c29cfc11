import { describe, expect, test } from 'vitest';
import { GatewayError } from '../base/errors.ts';
import { fromUtf8, utf8 } from '../base/bytes.ts';
import { seededRandom } from '../base/random.ts';
import { Secret } from '../base/secret.ts';
import { settle, TestClock } from '../base/test-clock.ts';
import type { Channel, Endpoint, Receiver } from '../channel/channel.ts';
import { createMemoryHub, type Faults } from '../channel/memory.ts';
import { DtlsClientChannel, type DtlsClientOptions } from './dtls-client.ts';
import { DtlsServerChannel, type DtlsServerOptions } from './dtls-server.ts';

const identity = '3GPP-AKMArid0.dGVzdA@5gc.mnc001.mcc001.3gppnetwork.org';
const key = (octet = 0x5a) => new Secret(new Uint8Array(32).fill(octet));

/** What a channel's receiver heard. */
class Ear implements Receiver {
  readonly heard: { text: string | undefined; from: Endpoint }[] = [];
  readonly lost: { endpoint: Endpoint; code: string }[] = [];
  onDatagram(octets: Uint8Array, from: Endpoint): void {
    this.heard.push({ text: fromUtf8(octets), from });
  }
  onEndpointLost(endpoint: Endpoint, reason: GatewayError): void {
    this.lost.push({ endpoint, code: reason.code });
  }
  get texts() {
    return this.heard.map(({ text }) => text);
  }
}

interface Wishes {
  faults?: Partial<Faults>;
  seed?: number;
  server?: Partial<DtlsServerOptions>;
}

/** A server on a network with faults, and clients at will. */
async function network({ faults, seed = 1, server: wishes = {} }: Wishes = {}) {
  const clock = new TestClock();
  const hub = createMemoryHub({ clock, random: seededRandom(seed), faults });
  const below = hub.channel('server', { maxDatagramBytes: 1_232 });
  const refused: string[] = [];
  const server = new DtlsServerChannel({
    below,
    clock,
    suites: [0xccac, 0xc0a8],
    identityHint: '3GPP-AKMA',
    psk: asked => (asked === identity ? key() : undefined),
    resumptionLifetimeMs: 3_600_000,
    onRefused: (_from, reason) => refused.push(reason.code),
    ...wishes,
  });
  const ear = new Ear();
  await server.open(ear);
  let ports = 0;

  /** A client; those of one name share its address, one after the other. */
  function client(options: Partial<DtlsClientOptions> = {}, lent?: Channel & { endpointFor(name: string): Endpoint }) {
    const channel = lent ?? hub.channel(`client-${++ports}`, { maxDatagramBytes: 1_232 });
    const its = new DtlsClientChannel({
      below: channel,
      to: channel.endpointFor('server'),
      clock,
      suites: [0xccac, 0xc0a8],
      serverName: 'msgin5g.example.com',
      psk: () => ({ identity, key: key() }),
      ...options,
    });
    const itsEar = new Ear();
    /** Opens, moving time on; resolves to nothing or to the error. */
    const open = async (withinMs = 40_000): Promise<GatewayError | undefined> => {
      let result: { error?: GatewayError } | undefined;
      its.open(itsEar).then(
        () => (result = {}),
        (error: GatewayError) => (result = { error }),
      );
      await settle();
      for (let passedMs = 0; !result && passedMs <= withinMs; passedMs += 100) await clock.advanceAsync(100);
      if (!result) throw new Error('the handshake neither succeeded nor failed');
      return result.error;
    };
    return { channel: its, ear: itsEar, open, below: channel };
  }
  return { clock, hub, server, ear, below, refused, client };
}

test('a handshake gives each end an endpoint with the facts of its security, and carries datagrams both ways', async () => {
  const { client, clock, ear, server } = await network();
  const it = client();
  expect(await it.open()).toBeUndefined();
  const security = { protocol: 'DTLS 1.2', suite: 0xccac, identity };
  expect(it.channel.endpoint.security).toEqual(security);
  expect(it.channel.facts).toMatchObject({
    identityHint: '3GPP-AKMA',
    serverName: 'msgin5g.example.com',
    resumed: false,
  });
  it.channel.send(utf8('up'), it.channel.endpoint);
  await clock.advanceAsync(0);
  expect(ear.heard).toMatchObject([{ text: 'up', from: { security } }]);
  server.send(utf8('down'), ear.heard[0].from);
  await clock.advanceAsync(0);
  expect(it.ear.texts).toEqual(['down']);
  expect(it.ear.heard[0].from).toBe(it.channel.endpoint);
  expect(it.channel.counters).toMatchObject({ datagramsIn: 1, datagramsOut: 1, octetsIn: 4, octetsOut: 2 });
});

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'a handshake survives a quarter of all datagrams lost, doubled and held back, seed %i',
  async seed => {
    const faults = { loss: 0.25, repetition: 0.25, reordering: 0.25, delayMs: 20 };
    const { client, server } = await network({ seed, faults, server: { handshakeTimeoutMs: 300_000 } });
    expect(await client({ handshakeTimeoutMs: 300_000 }).open(400_000)).toBeUndefined();
    expect(server.sessionCount).toBe(1);
  },
);

describe('a client says why there is no session:', () => {
  test('nobody answers', async () => {
    const { client, clock } = await network({ faults: { loss: 1 } });
    const it = client();
    const error = await it.open();
    expect(error).toMatchObject({ code: 'dtls.no-answer', hint: expect.stringContaining('5684') });
    expect(clock.pending).toBe(0);
  });

  test('the server begins and falls silent before a key is asked for', async () => {
    let fromServer = 0;
    const { client } = await network({ faults: { drops: ({ from }) => from === 'server' && fromServer++ > 0 } });
    expect(await client().open()).toMatchObject({ code: 'dtls.timeout' });
  });

  test('the server holds another key, which it can only meet with silence', async () => {
    const { client, refused, clock } = await network({ server: { psk: () => key(1) } });
    const error = await client().open();
    expect(error).toMatchObject({ code: 'dtls.psk-silent', hint: expect.stringContaining('re-authenticate') });
    await clock.advanceAsync(31_000);
    expect(refused).toEqual(['dtls.timeout']);
  });

  test('the server does not know the identity and says so', async () => {
    const { client, refused } = await network();
    const error = await client({ psk: () => ({ identity: 'stranger', key: key() }) }).open();
    expect(error).toMatchObject({
      code: 'dtls.psk-refused',
      message: expect.stringContaining('alert 115, unknown_psk_identity, from the peer'),
      hint: expect.stringContaining('re-authenticate'),
    });
    expect(refused).toEqual(['dtls.psk-refused']);
  });

  test('no suite in common', async () => {
    const { client, refused } = await network({ server: { suites: [0x00a8] } });
    expect(await client().open()).toMatchObject({ code: 'dtls.no-common-suite' });
    expect(refused).toEqual(['dtls.no-common-suite']);
  });

  test('we refused the server ourselves', async () => {
    const { client } = await network();
    const why = new GatewayError('akma.no-hint', 'the server sends no identity hint');
    const psk = () => {
      throw why;
    };
    expect(await client({ psk }).open()).toBe(why);
  });

  test('it was closed meanwhile', async () => {
    const { client, clock } = await network({ faults: { loss: 1 } });
    const it = client();
    const opening = it.channel.open(it.ear);
    await Promise.all([expect(opening).rejects.toMatchObject({ code: 'dtls.closed' }), it.channel.close()]);
    expect(clock.pending).toBe(0);
  });
});

test('keys are wiped when they were used', async () => {
  const used: Secret[] = [];
  const lent = () => {
    used.push(key());
    return used[used.length - 1];
  };
  const { client } = await network({ server: { psk: () => lent() } });
  await client({ psk: () => ({ identity, key: lent() }) }).open();
  expect(used.map(secret => [...secret.reveal()])).toEqual([new Array(32).fill(0), new Array(32).fill(0)]);
});

describe('a session ends', () => {
  test('when the peer says close_notify', async () => {
    const { client, clock, ear, server } = await network();
    const it = client();
    await it.open();
    it.channel.send(utf8('hello'), it.channel.endpoint);
    await clock.advanceAsync(0);
    await it.channel.close();
    await clock.advanceAsync(0);
    expect(ear.lost).toEqual([{ endpoint: ear.heard[0].from, code: 'dtls.closed' }]);
    expect(server.sessionCount).toBe(0);
    expect(clock.pending).toBe(0);
  });

  test("at the end of the key's life, at either end", async () => {
    const { client, clock, ear, server } = await network();
    const it = client({ endsAtMs: clock.wallMs() + 3_600_000 });
    await it.open();
    await clock.advanceAsync(3_600_000);
    expect(it.ear.lost).toEqual([{ endpoint: it.channel.endpoint, code: 'akma.expired' }]);
    expect(ear.lost).toMatchObject([{ code: 'dtls.closed' }]);

    const expiresAtMs = clock.wallMs() + 40 * 24 * 3_600_000;
    const other = await network({ server: { psk: () => ({ key: key(), expiresAtMs }) } });
    const its = other.client();
    await its.open();
    await other.clock.advanceAsync(expiresAtMs - other.clock.wallMs() - 1);
    expect(other.server.sessionCount).toBe(1);
    await other.clock.advanceAsync(1);
    expect(other.ear.lost).toMatchObject([{ code: 'akma.expired' }]);
    expect(its.ear.lost).toMatchObject([{ code: 'dtls.closed' }]);
    expect(server.sessionCount).toBe(0);
  });

  test('when it was silent for too long', async () => {
    const { client, clock, ear, server } = await network({ server: { idleTimeoutMs: 60_000 } });
    const [busy, idle] = [client(), client()];
    await busy.open();
    await idle.open();
    for (let i = 0; i < 4; i++) {
      busy.channel.send(utf8('still here'), busy.channel.endpoint);
      await clock.advanceAsync(30_000);
    }
    expect(ear.lost).toMatchObject([{ code: 'dtls.idle' }]);
    expect(idle.ear.lost).toMatchObject([{ code: 'dtls.closed' }]);
    expect(server.sessionCount).toBe(1);
  });

  test('when newer ones need its place', async () => {
    const { client, ear, server } = await network({ server: { maxSessions: 2 } });
    for (let i = 0; i < 3; i++) await client().open();
    expect(ear.lost).toMatchObject([{ code: 'dtls.too-many-sessions' }]);
    expect(server.sessionCount).toBe(2);
  });

  test('with the server, which leaves no timer behind', async () => {
    const { client, clock, server } = await network({ server: { idleTimeoutMs: 60_000 } });
    const it = client();
    await it.open();
    await server.close();
    await clock.advanceAsync(0);
    expect(it.ear.lost).toMatchObject([{ code: 'dtls.closed' }]);
    expect(clock.pending).toBe(0);
  });
});

describe('resumption', () => {
  const resumeOf = (it: { channel: DtlsClientChannel }) => new Secret(it.channel.exportSession()!);

  test('asks for no key, and is a new endpoint', async () => {
    const { client } = await network();
    const first = client();
    await first.open();
    const second = client({ resume: resumeOf(first), psk: () => undefined });
    expect(await second.open()).toBeUndefined();
    expect(second.channel.facts?.resumed).toBe(true);
    expect(second.channel.endpoint).not.toBe(first.channel.endpoint);
  });

  test("does not outlive the key, by the server's clock", async () => {
    const { clock, client } = await network({
      server: { psk: () => ({ key: key(), expiresAtMs: Date.UTC(2026, 10, 21) + 60_000 }) },
    });
    const first = client();
    await first.open();
    const resume = resumeOf(first);
    await clock.advanceAsync(60_000);
    const second = client({ resume });
    await second.open();
    expect(second.channel.facts?.resumed).toBe(false);
  });
});

describe('a new handshake from the same address', () => {
  test('takes the place of the old session once it succeeded', async () => {
    const { client, clock, ear, server } = await network();
    const first = client();
    await first.open();
    first.channel.send(utf8('first'), first.channel.endpoint);
    await clock.advanceAsync(0);
    // The client crashed without a word: its channel is opened anew by the next.
    await first.below.close();
    const second = client({}, first.below as never);
    expect(await second.open()).toBeUndefined();
    second.channel.send(utf8('second'), second.channel.endpoint);
    await clock.advanceAsync(0);
    expect(ear.texts).toEqual(['first', 'second']);
    expect(ear.lost).toEqual([{ endpoint: ear.heard[0].from, code: 'dtls.replaced' }]);
    expect(ear.heard[1].from).not.toBe(ear.heard[0].from);
    expect(server.sessionCount).toBe(1);
  });

  test('leaves the old session alone while it does not succeed', async () => {
    const { below, client, clock, ear, hub, server } = await network();
    const it = client();
    await it.open();
    // The ClientHello with its cookie, as somebody saw it pass and plays it again with another random.
    const hellos = hub.carried.filter(({ to, octets }) => to === 'server' && octets[0] === 22 && octets[13] === 1);
    for (const { octets } of hellos) {
      const forged = octets.slice();
      forged[13 + 12 + 2] ^= 1;
      below.inject(forged, 'client-1');
      below.inject(octets, 'client-1');
    }
    it.channel.send(utf8('still the same session'), it.channel.endpoint);
    await clock.advanceAsync(0);
    await clock.advanceAsync(60_000);
    it.channel.send(utf8('and for long'), it.channel.endpoint);
    await clock.advanceAsync(0);
    expect(ear.texts).toEqual(['still the same session', 'and for long']);
    expect(ear.heard[0].from).toBe(ear.heard[1].from);
    expect([ear.lost, it.ear.lost, server.sessionCount]).toEqual([[], [], 1]);
  });

  test('replaces a handshake that was given up half way', async () => {
    const { client, clock, hub, server } = await network();
    const first = client();
    void first.channel.open(first.ear).catch(() => {});
    await settle();
    // Till the server has answered the ClientHello with the cookie, and no further.
    hub.faults.drops = ({ from, octets }) => from === 'server' && octets[13] !== 3;
    for (let i = 0; i < 4; i++) await clock.advanceAsync(0);
    await first.channel.close();
    hub.faults.drops = () => false;
    expect(await client({}, first.below as never).open()).toBeUndefined();
    expect(server.sessionCount).toBe(1);
  });
});

test('what is too large, or for a session that is not ours, is dropped and counted', async () => {
  const { client, server, ear } = await network();
  const it = client();
  await it.open();
  it.channel.send(new Uint8Array(it.channel.maxDatagramBytes + 1), it.channel.endpoint);
  it.channel.send(utf8('x'), { key: 'another' });
  server.send(utf8('x'), it.channel.endpoint);
  expect(it.channel.counters).toMatchObject({ oversized: 1, sendErrors: 1, datagramsOut: 0 });
  expect(server.counters).toMatchObject({ sendErrors: 1 });
  expect(it.channel.maxDatagramBytes).toBe(1_232 - 128);
  expect([ear.lost, it.ear.lost]).toEqual([[], []]);
});

test('2 000 hostile datagrams from a session’s own address and from others end nothing', async () => {
  const { below, client, clock, ear, hub, server } = await network();
  const it = client();
  await it.open();
  for (let i = 0; i < 3; i++) it.channel.send(utf8(`record ${i}`), it.channel.endpoint);
  await clock.advanceAsync(0);
  const random = seededRandom(4);
  const seen = hub.carried.filter(({ to }) => to === 'server');
  for (let i = 0; i < 2_000; i++) {
    const octets = seen[Math.floor(random() * seen.length)].octets.slice(0, random() < 0.2 ? 20 : undefined);
    for (let n = 0; n <= random() * 4; n++)
      octets[Math.floor(random() * octets.length)] ^= 1 << Math.floor(random() * 8);
    below.inject(octets, random() < 0.5 ? 'client-1' : `stranger-${i % 50}`);
    if (i % 100 === 0) await clock.advanceAsync(10);
  }
  it.channel.send(utf8('still here'), it.channel.endpoint);
  await clock.advanceAsync(0);
  expect(ear.texts).toEqual(['record 0', 'record 1', 'record 2', 'still here']);
  expect([ear.lost, it.ear.lost, server.sessionCount]).toEqual([[], [], 1]);
});
