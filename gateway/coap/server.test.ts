import { describe, expect, test } from 'vitest';
import { toHex, utf8 } from '../base/bytes.ts';
import { status } from './codes.ts';
import { noOctets } from './codec.ts';
import { contentFormat, option, uriPathOf } from './options.ts';
import { createTestWorld, headerOf } from './test-peers.ts';
import type { CoapResponse, IncomingRequest, RequestHandler } from './types.ts';

const changed: CoapResponse = { code: status.changed, options: [], payload: noOctets };

/** Answers when the test says so. */
function deferred(): {
  handler: RequestHandler;
  requests: IncomingRequest[];
  answer: (response: CoapResponse) => void;
} {
  const requests: IncomingRequest[] = [];
  const waiting: ((response: CoapResponse) => void)[] = [];
  const handler: RequestHandler = request => {
    requests.push(request);
    return new Promise(resolve => waiting.push(resolve));
  };
  return { handler, requests, answer: response => waiting.shift()?.(response) };
}

// POST /msgin5g, Message ID 0x1001, token 01020304
const post = '4402 1001 01020304 b7 6d7367696e3567';

describe('a request', () => {
  test('reaches the handler with everything that came', async () => {
    const seen: IncomingRequest[] = [];
    const { peer } = await createTestWorld({ handler: request => (seen.push(request), changed) });
    await peer.say(`${post} 11 32 ff 7b7d`);
    expect(seen).toHaveLength(1);
    const { code, confirmable, from, messageId, options, payload, token } = seen[0];
    expect({ code, confirmable, messageId, from: from === peer.endpoint }).toEqual({
      code: 0x02,
      confirmable: true,
      messageId: 0x1001,
      from: true,
    });
    expect([toHex(token), toHex(payload), uriPathOf(options)]).toEqual(['01020304', '7b7d', ['msgin5g']]);
  });

  test('that is answered at once gets a piggybacked response', async () => {
    const handler = (): CoapResponse => ({ code: status.content, options: [contentFormat(50)], payload: utf8('{}') });
    const { peer } = await createTestWorld({ handler });
    expect(await peer.say(post)).toEqual(['6445100101020304c132ff7b7d']);
  });

  test('that is answered within a second gets a piggybacked response', async () => {
    const { handler, answer } = deferred();
    const { peer } = await createTestWorld({ handler });
    expect(await peer.say(post)).toEqual([]);
    expect(await peer.heard(999)).toEqual([]);
    answer(changed);
    expect(await peer.heard()).toEqual(['6444100101020304']);
    expect(await peer.heard(300_000)).toEqual([]);
  });

  test('that takes longer gets an empty ACK after a second and then a CON of its own', async () => {
    const { handler, answer } = deferred();
    const { peer } = await createTestWorld({ handler });
    await peer.say(post);
    expect(await peer.heard(1_000)).toEqual(['60001001']);
    expect(await peer.heard(20_000)).toEqual([]);
    answer(changed);
    const [separate, ...more] = await peer.heard();
    expect(separate).toMatch(/^4444[0-9a-f]{4}01020304$/);
    expect(more).toEqual([]);
    await peer.say(`6000${headerOf(separate).mid}`);
    expect(await peer.heard(100_000)).toEqual([]);
  });

  test('has its separate response repeated until it is acknowledged', async () => {
    const { handler, answer } = deferred();
    const { endpoint, peer } = await createTestWorld({ handler, random: () => 0 });
    await peer.say(post);
    await peer.heard(1_000);
    answer(changed);
    const copies = await peer.heard(7_000);
    expect(copies).toHaveLength(3);
    expect(new Set(copies).size).toBe(1);
    await peer.say(`6000${headerOf(copies[0]).mid}`);
    expect(await peer.heard(100_000)).toEqual([]);
    expect(endpoint.counters).toMatchObject({ responsesOut: 1, retransmissions: 2, giveUps: 0 });
  });

  test('has its separate response ended by a Reset', async () => {
    const { handler, answer } = deferred();
    const { endpoint, peer } = await createTestWorld({ handler });
    await peer.say(post);
    await peer.heard(1_000);
    answer(changed);
    const [separate] = await peer.heard();
    await peer.say(`7000${headerOf(separate).mid}`);
    expect(await peer.heard(100_000)).toEqual([]);
    expect(endpoint.counters.resetsIn).toBe(1);
  });

  test('in a NON is answered by a NON with a Message ID of ours, whenever', async () => {
    const { handler, answer } = deferred();
    const { peer } = await createTestWorld({ handler });
    expect(await peer.say('5402 1001 01020304')).toEqual([]);
    expect(await peer.heard(5_000)).toEqual([]);
    answer(changed);
    expect(await peer.heard(90_000)).toEqual([expect.stringMatching(/^5444[0-9a-f]{4}01020304$/)]);
  });

  test('whose handler throws gets 5.00, and so does one whose handler rejects', async () => {
    const failures: RequestHandler[] = [
      () => {
        throw new Error('broken');
      },
      () => Promise.reject(new Error('broken')),
    ];
    for (const handler of failures) {
      const { endpoint, peer } = await createTestWorld({ handler });
      expect(await peer.say(post)).toEqual(['64a0100101020304']);
      expect(endpoint.counters.handlerErrors).toBe(1);
    }
  });

  test('whose handler answers with what is no response gets 5.00', async () => {
    for (const code of [0x00, 0x02, 0x20, 0xc0]) {
      const { endpoint, peer } = await createTestWorld({ handler: () => ({ ...changed, code }) });
      expect(await peer.say(post)).toEqual(['64a0100101020304']);
      expect(endpoint.counters.handlerErrors).toBe(1);
    }
  });

  test('whose response is larger than the channel takes gets 5.00, which is counted', async () => {
    const handler = (): CoapResponse => ({ ...changed, payload: new Uint8Array(200) });
    const { endpoint, peer } = await createTestWorld({ handler, maxDatagramBytes: 100 });
    expect(await peer.say(post)).toEqual(['64a0100101020304']);
    expect(endpoint.counters.oversizedResponses).toBe(1);
  });

  test('that is larger than the channel takes gets 4.13 with the size that would have fitted', async () => {
    let runs = 0;
    const { peer } = await createTestWorld({ handler: () => (runs++, changed), maxDatagramBytes: 100 });
    // 4 header, 4 token, 8 option, marker and 83 of payload are 100 octets.
    expect(await peer.say(`${post} ff ${'61'.repeat(84)}`)).toEqual(['648d100101020304d12f53']);
    expect(runs).toBe(0);
    expect(await peer.say(`${post.replace('1001', '1002')} ff ${'61'.repeat(83)}`)).toEqual(['6444100201020304']);
  });

  test('with an unknown method gets 4.05', async () => {
    const { peer } = await createTestWorld({ handler: () => changed });
    expect(await peer.say('4405 1001 01020304')).toEqual(['6485100101020304']);
    expect(await peer.say('401f 1002')).toEqual(['60851002']);
  });

  test('to a proxy gets 5.05', async () => {
    const { peer } = await createTestWorld({ handler: () => changed });
    // Proxy-Uri "coap://x", Proxy-Scheme "coap"
    expect(await peer.say('4001 1001 d816 636f61703a2f2f78')).toEqual(['60a51001']);
    expect(await peer.say('4001 1002 d41a 636f6170')).toEqual(['60a51002']);
  });

  test('to a client alone is rejected: CON by Reset, NON in silence', async () => {
    const { peer } = await createTestWorld();
    expect(await peer.say(post)).toEqual(['70001001']);
    expect(await peer.say('5402 1002 01020304')).toEqual([]);
  });
});

describe('an option that the handler does not cope with', () => {
  // RFC 7252 §5.4.1
  test('gets 4.02 and says which when it is critical and the request CON', async () => {
    let runs = 0;
    const { endpoint, peer } = await createTestWorld({ handler: () => (runs++, changed) });
    // Option 65001 = 269 + 64732
    const [answer] = await peer.say('4402 1001 01020304 e1 fcdc 00');
    expect(answer).toBe(`6482100101020304ff${Buffer.from('option 65001: unknown').toString('hex')}`);
    expect([runs, endpoint.counters.badOptions]).toEqual([0, 1]);
  });

  test('is met with silence when it is critical and the request NON', async () => {
    let runs = 0;
    const { peer } = await createTestWorld({ handler: () => (runs++, changed) });
    expect(await peer.say('5402 1001 01020304 e1 fcdc 00')).toEqual([]);
    expect(runs).toBe(0);
  });

  test('is ignored when it is elective', async () => {
    const { peer } = await createTestWorld({ handler: () => changed });
    expect(await peer.say('4402 1001 01020304 e1 fcdb 00')).toEqual(['6444100101020304']);
  });

  test('is named where it is understood: Block1 comes through to who copes with it', async () => {
    const block1 = '4402 1001 01020304 d1 0e 0e';
    const without = await createTestWorld({ handler: () => changed });
    expect(await without.peer.say(block1)).toEqual([expect.stringMatching(/^6482/)]);
    const withIt = await createTestWorld({ handler: () => changed, understood: [option.block1] });
    expect(await withIt.peer.say(block1)).toEqual(['6444100101020304']);
  });
});

describe('a repetition', () => {
  test('of a CON gets the same response, and the handler runs once', async () => {
    let runs = 0;
    const { endpoint, peer } = await createTestWorld({
      handler: () => ({ ...changed, payload: Uint8Array.of(++runs) }),
    });
    const first = await peer.say(post);
    expect(await peer.say(post)).toEqual(first);
    await peer.heard(246_000);
    expect(await peer.say(post)).toEqual(first);
    expect(runs).toBe(1);
    expect(endpoint.counters).toMatchObject({ requestsIn: 1, duplicates: 2, responsesOut: 1 });
  });

  test('while the handler runs gets silence before the empty ACK, the empty ACK after, and no second run', async () => {
    const { handler, requests, answer } = deferred();
    const { peer } = await createTestWorld({ handler });
    await peer.say(post);
    expect(await peer.say(post)).toEqual([]);
    expect(await peer.heard(1_000)).toEqual(['60001001']);
    expect(await peer.say(post)).toEqual(['60001001']);
    answer(changed);
    const [separate] = await peer.heard();
    await peer.say(`6000${headerOf(separate).mid}`);
    expect(requests).toHaveLength(1);
  });

  test('after the separate response gets the empty ACK again, not the response', async () => {
    const { handler, requests, answer } = deferred();
    const { peer } = await createTestWorld({ handler });
    await peer.say(post);
    await peer.heard(1_000);
    answer(changed);
    const [separate] = await peer.heard();
    await peer.say(`6000${headerOf(separate).mid}`);
    expect(await peer.say(post)).toEqual(['60001001']);
    expect(requests).toHaveLength(1);
  });

  test('of a NON is ignored', async () => {
    let runs = 0;
    const { peer } = await createTestWorld({ handler: () => (runs++, changed) });
    expect(await peer.say('5402 1001 01020304')).toHaveLength(1);
    await peer.heard(144_000);
    expect(await peer.say('5402 1001 01020304')).toEqual([]);
    expect(runs).toBe(1);
  });

  test('of a refusal gets the same refusal', async () => {
    const { peer } = await createTestWorld({ handler: () => changed });
    const first = await peer.say('4402 1001 01020304 e1 fcdc 00');
    expect(await peer.say('4402 1001 01020304 e1 fcdc 00')).toEqual(first);
    // The Message ID decides, whatever the octets behind it.
    expect(await peer.say(post)).toEqual(first);
  });

  test('after its lifetime is a new request: 247 s for CON, 145 s for NON', async () => {
    let runs = 0;
    const { peer } = await createTestWorld({ handler: () => (runs++, changed) });
    await peer.say(post);
    await peer.say('5402 2002 01020304');
    await peer.heard(145_000);
    await peer.say('5402 2002 01020304');
    expect(runs).toBe(3);
    await peer.heard(102_000);
    await peer.say(post);
    expect(runs).toBe(4);
  });

  test('of a Message ID by another endpoint, or in another session, is a new request', async () => {
    let runs = 0;
    const { channel, peer, stranger } = await createTestWorld({ handler: () => (runs++, changed) });
    await peer.say(post);
    await stranger.say(post);
    channel.renew('peer');
    await peer.say(post);
    expect(runs).toBe(3);
  });
});

test('an answer that comes after the lifetime of its request is dropped', async () => {
  const { handler, answer } = deferred();
  const { peer } = await createTestWorld({ handler });
  await peer.say('5402 1001 01020304');
  await peer.heard(145_000);
  answer(changed);
  expect(await peer.heard(1_000)).toEqual([]);
});

describe('memory', () => {
  test('is bounded: beyond the limit the oldest that is answered is forgotten, and counted', async () => {
    let runs = 0;
    const parameters = { maxRemembered: 3 };
    const { endpoint, peer } = await createTestWorld({ parameters, handler: () => (runs++, changed) });
    for (const mid of ['0001', '0002', '0003', '0004']) await peer.say(`4002 ${mid}`);
    expect(endpoint.counters).toMatchObject({ forgotten: 1, refused: 0 });
    for (const mid of ['0002', '0003', '0004']) await peer.say(`4002 ${mid}`);
    expect(runs).toBe(4);
    await peer.say('4002 0001');
    expect(runs).toBe(5);
  });

  test('is bounded for each endpoint: one that floods forgets its own only', async () => {
    const runs: string[] = [];
    const parameters = { maxRememberedPerEndpoint: 2 };
    const { endpoint, peer, stranger } = await createTestWorld({
      parameters,
      handler: request => (runs.push(request.from.key), changed),
    });
    await stranger.say('4002 0001');
    for (const mid of ['0001', '0002', '0003', '0004']) await peer.say(`4002 ${mid}`);
    await stranger.say('4002 0001');
    expect(runs).toHaveLength(5);
    expect(endpoint.counters).toMatchObject({ forgotten: 2, duplicates: 1 });
  });

  test('never forgets a request whose handler runs: a new one is refused in silence instead', async () => {
    const { handler, requests } = deferred();
    const { endpoint, peer } = await createTestWorld({ parameters: { maxRemembered: 2 }, handler });
    for (const mid of ['0001', '0002', '0003']) expect(await peer.say(`4002 ${mid}`)).toEqual([]);
    for (const mid of ['0001', '0002']) await peer.say(`4002 ${mid}`);
    expect(requests).toHaveLength(2);
    expect(endpoint.counters).toMatchObject({ refused: 1, forgotten: 0, duplicates: 2 });
  });

  test('of endpoints is bounded: the one silent for longest, without an open exchange, is forgotten', async () => {
    const { clock, endpoint, channel } = await createTestWorld({
      parameters: { maxEndpoints: 2 },
      handler: request => (request.payload.length > 0 ? new Promise(() => {}) : changed),
    });
    const say = async (octets: string, from: string): Promise<void> => {
      channel.inject(Uint8Array.from(Buffer.from(octets, 'hex')), from);
      await clock.advanceAsync(1);
    };
    await say('40020001ff01', 'busy');
    await say('40020001', 'second');
    await say('40020001', 'third');
    expect(endpoint.counters).toMatchObject({ requestsIn: 3, forgotten: 1, refused: 0 });
    await say('40020001', 'third');
    await say('40020001ff01', 'busy');
    expect(endpoint.counters.duplicates).toBe(2);
    await say('40020001', 'second');
    expect(endpoint.counters).toMatchObject({ requestsIn: 4, forgotten: 2 });
  });

  test('is given back when lifetimes are over, and no timer stays', async () => {
    const { clock, peer } = await createTestWorld({ handler: () => changed });
    for (let i = 0; i < 20; i++) await peer.say(`4002 00${(i + 16).toString(16)}`);
    await peer.say('5002 0001');
    expect(clock.pending).toBeGreaterThan(0);
    await clock.advanceAsync(800_000);
    expect(clock.pending).toBe(0);
  });
});
