import { describe, expect, test } from 'vitest';
import { fromUtf8 } from '../base/bytes.ts';
import { method } from './codes.ts';
import { createTestWorld, get, headerOf, type TestWorld } from './test-peers.ts';
import type { CoapRequest, IncomingResponse } from './types.ts';

const secured = { protocol: 'DTLS 1.2', suite: 0xc0a8, identity: 'x' } as const;

/** Begins a request, and gives what the peer heard of it. */
async function ask(
  world: TestWorld,
  request: CoapRequest = get('/t'),
): Promise<{ answer: Promise<IncomingResponse>; wire: string; mid: string; token: string }> {
  const answer = world.endpoint.request(world.peer.endpoint, request);
  answer.catch(() => {});
  const [wire] = await world.peer.heard();
  return { answer, wire, ...headerOf(wire) };
}

describe('a confirmable request', () => {
  test('goes out as CON with a Message ID and a token of four octets', async () => {
    const { wire } = await ask(await createTestWorld());
    expect(wire).toMatch(/^4401[0-9a-f]{12}b174$/);
  });

  test('is answered by an ACK with its Message ID and token', async () => {
    const world = await createTestWorld({ faults: { delayMs: 20 } });
    const answer = world.endpoint.request(world.peer.endpoint, get('/t'));
    const [wire] = await world.peer.heard(20);
    const { mid, token } = headerOf(wire);
    await world.peer.say(`6445${mid}${token}c132ff7b7d`);
    await world.peer.heard(20);
    const response = await answer;
    expect(response).toMatchObject({ code: 0x45, roundTripMs: 40, retransmissions: 0, from: world.peer.endpoint });
    expect(fromUtf8(response.payload)).toBe('{}');
  });

  test('is not answered by an ACK with another Message ID', async () => {
    const world = await createTestWorld();
    const { answer, mid, token } = await ask(world);
    const other = (Number.parseInt(mid, 16) ^ 1).toString(16).padStart(4, '0');
    expect(await world.peer.say(`6445${other}${token}`)).toEqual([]);
    expect(world.endpoint.counters.unmatched).toBe(1);
    await world.peer.say(`6445${mid}${token}`);
    await expect(answer).resolves.toMatchObject({ code: 0x45 });
  });

  test('is not answered by an ACK with another token', async () => {
    const world = await createTestWorld();
    const { mid } = await ask(world);
    expect(await world.peer.say(`6445${mid}00000000`)).toEqual([]);
    expect(await world.peer.say(`6045${mid}`)).toEqual([]);
    expect(world.endpoint.counters).toMatchObject({ unmatched: 2, responsesIn: 0 });
  });

  test('is answered by a separate CON after an empty ACK, which gets an ACK, and again for each copy', async () => {
    const world = await createTestWorld();
    const { answer, mid, token } = await ask(world);
    await world.peer.say(`6000${mid}`);
    expect(await world.peer.heard(50_000)).toEqual([]);
    expect(await world.peer.say(`44457777${token}`)).toEqual(['60007777']);
    await expect(answer).resolves.toMatchObject({ code: 0x45, roundTripMs: 50_000 });
    expect(await world.peer.say(`44457777${token}`)).toEqual(['60007777']);
    expect(world.endpoint.counters).toMatchObject({ duplicates: 1, unmatched: 0, responsesIn: 1 });
  });

  test('is answered by a separate response although its ACK was lost, and is not sent again', async () => {
    const world = await createTestWorld();
    const { answer, token } = await ask(world);
    expect(await world.peer.say(`44457777${token}`)).toEqual(['60007777']);
    await expect(answer).resolves.toMatchObject({ code: 0x45 });
    expect(await world.peer.heard(100_000)).toEqual([]);
  });

  test('is answered by a separate NON, which gets nothing', async () => {
    const world = await createTestWorld();
    const { answer, mid, token } = await ask(world);
    await world.peer.say(`6000${mid}`);
    expect(await world.peer.say(`54457777${token}`)).toEqual([]);
    await expect(answer).resolves.toMatchObject({ code: 0x45 });
  });

  test('is answered by a piggybacked response to its second copy after an empty ACK to the first', async () => {
    const world = await createTestWorld();
    const { answer, mid, token } = await ask(world);
    await world.peer.say(`6000${mid}`);
    await world.peer.say(`6445${mid}${token}`);
    await expect(answer).resolves.toMatchObject({ code: 0x45 });
  });

  test('that was acknowledged and never answered ends after the response timeout', async () => {
    const world = await createTestWorld({ parameters: { responseTimeoutMs: 10_000 } });
    const { answer, mid } = await ask(world);
    await world.peer.say(`6000${mid}`);
    await world.peer.heard(9_999);
    expect(world.endpoint.counters.giveUps).toBe(0);
    await world.peer.heard(1);
    await expect(answer).rejects.toMatchObject({ code: 'coap.no-answer' });
  });

  test('ends when the peer rejects it with a Reset', async () => {
    const world = await createTestWorld();
    const { answer, mid } = await ask(world);
    await world.peer.say(`7000${mid}`);
    await expect(answer).rejects.toMatchObject({ code: 'coap.reset' });
    expect(world.endpoint.counters.resetsIn).toBe(1);
  });

  test('is not ended by a Reset or an ACK from somebody else', async () => {
    const world = await createTestWorld();
    const { answer, mid, token } = await ask(world);
    await world.stranger.say(`7000${mid}`);
    await world.stranger.say(`6000${mid}`);
    await world.stranger.say(`6445${mid}${token}`);
    await world.peer.say(`6445${mid}${token}`);
    await expect(answer).resolves.toMatchObject({ from: world.peer.endpoint });
  });

  test('is not answered by the right token from another endpoint, which gets a Reset', async () => {
    const world = await createTestWorld();
    const { answer, token, mid } = await ask(world);
    expect(await world.stranger.say(`44457777${token}`)).toEqual(['70007777']);
    expect(world.endpoint.counters).toMatchObject({ unmatched: 1, resetsOut: 1 });
    await world.peer.say(`6445${mid}${token}`);
    await expect(answer).resolves.toMatchObject({ code: 0x45 });
  });

  // RFC 7252 §9.1.2
  test('is not answered from another session or epoch at the same address', async () => {
    const world = await createTestWorld({ security: secured });
    const { answer, mid, token } = await ask(world);
    const before = world.peer.endpoint;
    world.channel.renew('peer');
    await world.peer.say(`6245${mid}${token}`);
    expect(await world.peer.say(`42457777${token}`)).toEqual(['70007777']);
    expect(world.endpoint.counters).toMatchObject({ unmatched: 2, responsesIn: 0 });
    expect(world.peer.endpoint).not.toBe(before);
    await world.peer.heard(93_000);
    await expect(answer).rejects.toMatchObject({ code: 'coap.no-answer' });
  });

  test('with a critical option in its response that nobody knows has failed', async () => {
    const world = await createTestWorld();
    const { answer, mid, token } = await ask(world);
    expect(await world.peer.say(`6445${mid}${token}9101`)).toEqual([]);
    await expect(answer).rejects.toMatchObject({ code: 'coap.bad-response' });
  });

  test('with such an option in a separate response has failed, and the response gets a Reset', async () => {
    const world = await createTestWorld();
    const { answer, mid, token } = await ask(world);
    await world.peer.say(`6000${mid}`);
    expect(await world.peer.say(`44457777${token}9101`)).toEqual(['70007777']);
    await expect(answer).rejects.toMatchObject({ code: 'coap.bad-response' });
    expect(world.endpoint.counters.badOptions).toBe(1);
  });

  test('larger than the channel takes is refused at once', async () => {
    const world = await createTestWorld({ maxDatagramBytes: 100 });
    const request = { code: method.post, options: [], payload: new Uint8Array(100) };
    await expect(world.endpoint.request(world.peer.endpoint, request)).rejects.toMatchObject({
      code: 'coap.too-large',
    });
    expect(await world.peer.heard(10_000)).toEqual([]);
  });

  test('needs a method', async () => {
    const world = await createTestWorld();
    for (const code of [0x00, 0x45]) {
      await expect(world.endpoint.request(world.peer.endpoint, { ...get('/'), code })).rejects.toThrow(RangeError);
    }
  });
});

describe('a non-confirmable request', () => {
  test('goes out once as NON', async () => {
    const world = await createTestWorld();
    const { wire } = await ask(world, get('/t', false));
    expect(wire).toMatch(/^5401/);
    expect(await world.peer.heard(90_000)).toEqual([]);
  });

  test('is answered by a NON or by a CON with its token', async () => {
    const world = await createTestWorld();
    const first = await ask(world, get('/t', false));
    await world.peer.say(`54450001${first.token}`);
    await expect(first.answer).resolves.toMatchObject({ code: 0x45 });
    const second = await ask(world, get('/t', false));
    expect(await world.peer.say(`44450002${second.token}`)).toEqual(['60000002']);
    await expect(second.answer).resolves.toMatchObject({ code: 0x45 });
  });

  test('is not answered by an ACK', async () => {
    const world = await createTestWorld();
    const { mid, token } = await ask(world, get('/t', false));
    await world.peer.say(`6445${mid}${token}`);
    await world.peer.say(`6000${mid}`);
    expect(world.endpoint.counters).toMatchObject({ unmatched: 1, responsesIn: 0 });
  });

  test('ends after the response timeout', async () => {
    const world = await createTestWorld({ parameters: { responseTimeoutMs: 5_000 } });
    const { answer } = await ask(world, get('/t', false));
    await world.peer.heard(5_000);
    await expect(answer).rejects.toMatchObject({ code: 'coap.no-answer' });
  });

  test('ends when the peer rejects it with a Reset', async () => {
    const world = await createTestWorld();
    const { answer, mid } = await ask(world, get('/t', false));
    await world.peer.say(`7000${mid}`);
    await expect(answer).rejects.toMatchObject({ code: 'coap.reset' });
  });
});

describe('a response nobody asked for', () => {
  test('gets a Reset when it is CON, and silence when it is NON or ACK', async () => {
    const { endpoint, peer } = await createTestWorld();
    expect(await peer.say('4445000101020304')).toEqual(['70000001']);
    expect(await peer.say('5445000201020304')).toEqual([]);
    expect(await peer.say('6445000301020304')).toEqual([]);
    expect(endpoint.counters).toMatchObject({ unmatched: 3, resetsOut: 1 });
  });

  test('cannot answer a request that has not been sent yet', async () => {
    const world = await createTestWorld({ security: secured });
    const first = await ask(world);
    const waiting = world.endpoint.request(world.peer.endpoint, get('/u'));
    expect(await world.peer.say('524500010002')).toEqual([]);
    expect(world.endpoint.counters.unmatched).toBe(1);
    const [wire] = await world.peer.say(`6245${first.mid}${first.token}`);
    await first.answer;
    await world.peer.say(`6245${headerOf(wire).mid}0002`);
    await expect(waiting).resolves.toMatchObject({ code: 0x45 });
  });
});

test('tokens on a security session count up, whatever became of the requests before', async () => {
  const world = await createTestWorld({ security: secured });
  const tokens: string[] = [];
  for (let i = 0; i < 3; i++) {
    const { answer, mid, token } = await ask(world);
    tokens.push(token);
    await world.peer.say(i === 1 ? `7000${mid}` : `6245${mid}${token}`);
    await answer.catch(() => {});
  }
  expect(tokens).toEqual(['0001', '0002', '0003']);
});
