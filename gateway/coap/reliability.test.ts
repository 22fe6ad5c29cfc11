import { describe, expect, test } from 'vitest';
import { GatewayError } from '../base/errors.ts';
import { seededRandom } from '../base/random.ts';
import { status } from './codes.ts';
import { noOctets } from './codec.ts';
import { createTestPair, createTestWorld, get, headerOf } from './test-peers.ts';
import type { IncomingResponse } from './types.ts';

const changed = { code: status.changed, options: [], payload: noOctets };

/** A promise whose end a test looks at later. */
function kept<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

describe('retransmission', () => {
  // RFC 7252 §4.2: first between ACK_TIMEOUT and ACK_TIMEOUT * ACK_RANDOM_FACTOR, then doubled; §4.8.2: at most 93 s.
  test.each([
    [0, [0, 2_000, 6_000, 14_000, 30_000], 62_000],
    [0.5, [0, 2_500, 7_500, 17_500, 37_500], 77_500],
    [0.96, [0, 2_960, 8_880, 20_720, 44_400], 91_760],
  ])('with the draw %d sends at %j ms and gives up at %d ms', async (draw, sentAtMs, endsAtMs) => {
    const { endpoint, hub, clock, peer } = await createTestWorld({ random: () => draw });
    const answer = kept(endpoint.request(peer.endpoint, get('/t')));
    await clock.advanceAsync(endsAtMs - 1);
    expect(endpoint.counters.giveUps).toBe(0);
    await clock.advanceAsync(1);
    await expect(answer).rejects.toMatchObject({ code: 'coap.no-answer' });
    expect(hub.carried.map(({ atMs }) => atMs)).toEqual(sentAtMs);
    expect(new Set(hub.carried.map(({ octets }) => octets.join())).size).toBe(1);
    expect(endpoint.counters).toMatchObject({ requestsOut: 1, retransmissions: 4, giveUps: 1 });
  });

  test('stops at the first answer', async () => {
    const { endpoint, hub, clock, peer } = await createTestWorld({ random: () => 0 });
    const answer = endpoint.request(peer.endpoint, get('/t'));
    const [, second] = await peer.heard(3_000);
    const { mid, token } = headerOf(second);
    await peer.say(`6445${mid}${token}`);
    await expect(answer).resolves.toMatchObject({ retransmissions: 1, roundTripMs: 3_000 });
    await clock.advanceAsync(100_000);
    expect(hub.carried.filter(({ from }) => from === 'us')).toHaveLength(2);
  });

  test('ends early when MAX_TRANSMIT_WAIT is configured shorter', async () => {
    const parameters = { maxTransmitWaitMs: 10_000 };
    const { endpoint, hub, clock, peer } = await createTestWorld({ random: () => 0, parameters });
    const answer = kept(endpoint.request(peer.endpoint, get('/t')));
    await clock.advanceAsync(10_000);
    await expect(answer).rejects.toMatchObject({ code: 'coap.no-answer' });
    expect(hub.carried.map(({ atMs }) => atMs)).toEqual([0, 2_000, 6_000]);
  });

  test('of many exchanges is independent of one another', async () => {
    const random = seededRandom(7);
    const { endpoint, hub, clock, peer } = await createTestWorld({ random, parameters: { nstart: 50 } });
    for (let i = 0; i < 50; i++) {
      kept(endpoint.request(peer.endpoint, get(`/${i}`)));
      await clock.advanceAsync(10);
    }
    await clock.advanceAsync(100_000);
    const first = new Map<string, number>();
    const gapsMs: number[] = [];
    for (const { octets, atMs } of hub.carried) {
      const mid = octets.subarray(2, 4).join();
      const before = first.get(mid);
      if (before === undefined) first.set(mid, atMs);
      else if (atMs - before <= 3_000) gapsMs.push(atMs - before);
    }
    expect(gapsMs).toHaveLength(50);
    expect(Math.min(...gapsMs)).toBeGreaterThanOrEqual(2_000);
    expect(Math.max(...gapsMs)).toBeLessThanOrEqual(3_000);
    expect(new Set(gapsMs).size).toBeGreaterThan(40);
    expect(endpoint.counters).toMatchObject({ giveUps: 50, retransmissions: 200 });
  });
});

describe('NSTART', () => {
  test('of 1 lets the next request go when the one before is answered', async () => {
    const { endpoint, peer } = await createTestWorld();
    const first = endpoint.request(peer.endpoint, get('/1'));
    const second = kept(endpoint.request(peer.endpoint, get('/2')));
    const [wire, ...others] = await peer.heard(1_000);
    expect(others).toEqual([]);
    const { mid, token } = headerOf(wire);
    const [next] = await peer.say(`6445${mid}${token}`);
    await first;
    expect(next).toMatch(/b132$/);
    await endpoint.stop();
    await expect(second).rejects.toMatchObject({ code: 'coap.stopped' });
  });

  test('lets the next request go after the empty ACK, before the response', async () => {
    const { endpoint, peer } = await createTestWorld();
    for (const path of ['/1', '/2']) kept(endpoint.request(peer.endpoint, get(path)));
    const [wire] = await peer.heard();
    expect(await peer.say(`6000${headerOf(wire).mid}`)).toEqual([expect.stringMatching(/b132$/)]);
  });

  test('lets the next request go when the one before is given up or rejected', async () => {
    const { endpoint, peer } = await createTestWorld({ random: () => 0 });
    for (const path of ['/1', '/2', '/3']) kept(endpoint.request(peer.endpoint, get(path)));
    expect(await peer.heard(61_999)).toHaveLength(5);
    const [second] = await peer.heard(1);
    expect(second).toMatch(/b132$/);
    expect(await peer.say(`7000${headerOf(second).mid}`)).toEqual([expect.stringMatching(/b133$/)]);
  });

  test('counts for each endpoint by itself', async () => {
    const { endpoint, peer, stranger } = await createTestWorld();
    for (const { endpoint: to } of [peer, stranger]) kept(endpoint.request(to, get('/1')));
    expect(await peer.heard()).toHaveLength(1);
    expect(await stranger.heard()).toHaveLength(1);
  });

  test('may be raised', async () => {
    const { endpoint, peer } = await createTestWorld({ parameters: { nstart: 3 } });
    for (let i = 0; i < 5; i++) kept(endpoint.request(peer.endpoint, get('/1')));
    expect(await peer.heard()).toHaveLength(3);
  });

  test('counts a NON request that waits for its response', async () => {
    const { endpoint, peer } = await createTestWorld();
    for (const path of ['/1', '/2']) kept(endpoint.request(peer.endpoint, get(path, false)));
    const [wire, ...others] = await peer.heard(1_000);
    expect(others).toEqual([]);
    expect(await peer.say(`54450001${headerOf(wire).token}`)).toHaveLength(1);
  });

  test('keeps a bounded queue and says when it is full', async () => {
    const { endpoint, peer } = await createTestWorld({ parameters: { maxWaiting: 2 } });
    for (let i = 0; i < 3; i++) kept(endpoint.request(peer.endpoint, get('/1')));
    await expect(endpoint.request(peer.endpoint, get('/1'))).rejects.toMatchObject({ code: 'coap.too-many-waiting' });
  });
});

describe('Message IDs', () => {
  test('start at random and go up by one', async () => {
    const { endpoint, peer } = await createTestWorld({ parameters: { nstart: 3 }, random: () => 0.5 });
    for (let i = 0; i < 3; i++) kept(endpoint.request(peer.endpoint, { ...get('/'), options: [] }));
    expect((await peer.heard()).map(wire => headerOf(wire).mid)).toEqual(['8000', '8001', '8002']);
  });

  test('do not come again to one endpoint within EXCHANGE_LIFETIME: the request waits', async () => {
    const parameters = { nstart: 32_768, maxWaiting: 65_536, maxRetransmit: 0, exchangeLifetimeMs: 300_000 };
    const { endpoint, hub, peer, clock } = await createTestWorld({
      parameters,
      faults: { drops: () => true },
      security: { protocol: 'DTLS 1.2', suite: 0xc0a8, identity: 'x' },
      random: () => 0,
    });
    for (let i = 0; i < 65_536 + 10; i++) kept(endpoint.request(peer.endpoint, get('/')));
    // The second half goes when the first is given up, after ACK_TIMEOUT.
    await clock.advanceAsync(299_999);
    expect(new Set(hub.carried.map(({ octets }) => (octets[2] << 8) | octets[3])).size).toBe(65_536);
    expect(endpoint.counters).toMatchObject({ requestsOut: 65_536 });
    await clock.advanceAsync(1);
    expect(endpoint.counters.requestsOut).toBe(65_546);
  });

  test('that are all used up are named when the queue is full', async () => {
    const parameters = { nstart: 32_768, maxWaiting: 32_768, maxRetransmit: 0, responseTimeoutMs: 1_000 };
    const { endpoint, peer, clock } = await createTestWorld({
      parameters,
      faults: { drops: () => true },
      security: { protocol: 'DTLS 1.2', suite: 0xc0a8, identity: 'x' },
      random: () => 0,
    });
    for (let i = 0; i < 65_536; i++) kept(endpoint.request(peer.endpoint, get('/')));
    await clock.advanceAsync(10_000);
    for (let i = 0; i < 32_768; i++) kept(endpoint.request(peer.endpoint, get('/')));
    const refused = { code: 'coap.message-ids-exhausted', hint: expect.stringContaining('EXCHANGE_LIFETIME') };
    await expect(endpoint.request(peer.endpoint, get('/'))).rejects.toMatchObject(refused);
  });
});

describe('a ping', () => {
  test('is an empty CON, and its Reset gives the round trip', async () => {
    const { endpoint, peer } = await createTestWorld({ faults: { delayMs: 15 } });
    const answer = endpoint.ping(peer.endpoint);
    const [wire] = await peer.heard(15);
    expect(wire).toMatch(/^4000[0-9a-f]{4}$/);
    await peer.say(`7000${headerOf(wire).mid}`);
    await peer.heard(15);
    await expect(answer).resolves.toBe(30);
  });

  test('is repeated, and given up like any CON', async () => {
    const { endpoint, peer } = await createTestWorld({ random: () => 0 });
    const answer = kept(endpoint.ping(peer.endpoint));
    expect(await peer.heard(62_000)).toHaveLength(5);
    await expect(answer).rejects.toMatchObject({ code: 'coap.no-answer' });
  });

  test('is content with an empty ACK: whoever sends one is there', async () => {
    const { endpoint, peer } = await createTestWorld();
    const answer = endpoint.ping(peer.endpoint);
    const [wire] = await peer.heard(5);
    await peer.say(`6000${headerOf(wire).mid}`);
    await expect(answer).resolves.toBe(5);
  });

  test('that comes in gets a Reset, each copy of it', async () => {
    const { endpoint, peer } = await createTestWorld();
    expect(await peer.say('40001234')).toEqual(['70001234']);
    expect(await peer.say('40001234')).toEqual(['70001234']);
    expect(endpoint.counters).toMatchObject({ requestsIn: 0, formatErrors: 0 });
  });

  test('goes both ways between two of ours', async () => {
    const { clock, client, toServer } = await createTestPair({ faults: { delayMs: 3 } });
    const answer = client.ping(toServer);
    await clock.advanceAsync(6);
    await expect(answer).resolves.toBe(6);
  });
});

describe('the end of an endpoint', () => {
  test('fails every exchange with it, the waiting ones too, and says why', async () => {
    const { endpoint, channel, peer, stranger } = await createTestWorld();
    const theirs = [1, 2, 3].map(() => kept(endpoint.request(peer.endpoint, get('/'))));
    const others = kept(endpoint.request(stranger.endpoint, get('/')));
    await peer.heard();
    channel.lose('peer', new GatewayError('channel.refused', 'nobody listens', { hint: 'start it' }));
    for (const answer of theirs) {
      const reason = { code: 'coap.endpoint-lost', hint: 'start it', cause: { code: 'channel.refused' } };
      await expect(answer).rejects.toMatchObject(reason);
    }
    expect(await peer.heard(10_000)).toEqual([]);
    const [wire] = await stranger.heard();
    await stranger.say(`6445${headerOf(wire).mid}${headerOf(wire).token}`);
    await expect(others).resolves.toMatchObject({ code: 0x45 });
  });

  test('does not end the endpoint for later requests', async () => {
    const { endpoint, channel, peer } = await createTestWorld();
    channel.lose('peer');
    kept(endpoint.request(peer.endpoint, get('/')));
    expect(await peer.heard()).toHaveLength(1);
  });

  test('by the channel fails every exchange', async () => {
    const { endpoint, channel, peer, stranger } = await createTestWorld();
    const answers = [peer, stranger].map(({ endpoint: to }) => kept(endpoint.request(to, get('/'))));
    channel.fail();
    for (const answer of answers) await expect(answer).rejects.toMatchObject({ code: 'coap.endpoint-lost' });
  });
});

describe('stop', () => {
  test('ends every exchange, sends nothing more, and leaves no timer behind', async () => {
    const handler = (): Promise<never> => new Promise(() => {});
    const { endpoint, clock, peer } = await createTestWorld({ handler });
    const answers = [get('/'), get('/')].map(request => kept(endpoint.request(peer.endpoint, request)));
    const ping = kept(endpoint.ping(peer.endpoint));
    await peer.say('4002000101');
    await peer.heard();
    await endpoint.stop();
    await endpoint.stop();
    for (const answer of [...answers, ping]) await expect(answer).rejects.toMatchObject({ code: 'coap.stopped' });
    expect(clock.pending).toBe(0);
  });

  test('is final', async () => {
    const { endpoint, peer } = await createTestWorld();
    await endpoint.stop();
    await expect(endpoint.request(peer.endpoint, get('/'))).rejects.toMatchObject({ code: 'coap.stopped' });
    await expect(endpoint.ping(peer.endpoint)).rejects.toMatchObject({ code: 'coap.stopped' });
    await expect(endpoint.start()).rejects.toMatchObject({ code: 'coap.stopped' });
  });
});

describe('over a network that loses, repeats, delays, reorders and corrupts', () => {
  test.each([1, 2, 3, 4, 5])('each request has one effect at most, and its own answer (seed %i)', async seed => {
    const seen: string[] = [];
    const { clock, client, server, toServer } = await createTestPair({
      seed,
      faults: { loss: 0.25, repetition: 0.2, reordering: 0.2, reorderByMs: 4_000, delayMs: 40 },
      parameters: { nstart: 4 },
      handler: async request => {
        seen.push(request.payload.join());
        await new Promise<void>(done => clock.after(request.payload[0] % 3 === 0 ? 2_500 : 10, done));
        return { ...changed, payload: request.payload };
      },
    });
    const answers = Array.from({ length: 60 }, (_, i) =>
      client.request(toServer, { ...get('/'), payload: Uint8Array.of(i) }).then(
        (response: IncomingResponse) => response.payload[0] === i,
        (error: unknown) => (error as GatewayError).code,
      ),
    );
    await clock.advanceAsync(600_000);
    const outcomes = await Promise.all(answers);
    expect(new Set(outcomes.filter(outcome => outcome !== 'coap.no-answer'))).toEqual(new Set([true]));
    expect(outcomes.filter(outcome => outcome === true).length).toBeGreaterThan(45);
    expect(new Set(seen).size).toBe(seen.length);
    expect(client.counters.retransmissions).toBeGreaterThan(0);
    expect(server.counters.duplicates).toBeGreaterThan(0);
  });

  test('and corrupts, no answer is given to the wrong request, and both sides go on', async () => {
    const { clock, hub, client, toServer } = await createTestPair({
      seed: 11,
      faults: { corruption: 0.3, loss: 0.1, repetition: 0.2, delayMs: 5 },
      parameters: { nstart: 8 },
      handler: request => ({ ...changed, payload: request.payload }),
    });
    const many = Array.from({ length: 200 }, () => kept(client.request(toServer, get('/x'))));
    await clock.advanceAsync(5_000_000);
    await Promise.allSettled(many);
    Object.assign(hub.faults, { corruption: 0, loss: 0, repetition: 0 });
    const last = client.request(toServer, get('/x'));
    await clock.advanceAsync(1_000);
    await expect(last).resolves.toMatchObject({ code: status.changed });
  });
});
