import { expect, test } from 'vitest';
import { seededRandom, type Random } from '../gateway/base/random.ts';
import { DtlsError } from './index.ts';
import { handshake, openPair, settle, testClient, testListener, testPeer, type Wire } from './memory-pair.ts';

const utf8 = new TextEncoder();
const below = (random: Random, limit: number) => Math.floor(random() * limit);

/** What may happen to a datagram on a hostile way. */
const mutations: readonly ((datagram: Buffer, random: Random) => Buffer)[] = [
  (datagram, random) => {
    for (let i = 0; i <= below(random, 4); i++) datagram[below(random, datagram.length)] ^= 1 << below(random, 8);
    return datagram;
  },
  (datagram, random) => datagram.subarray(0, below(random, datagram.length)),
  (datagram, random) =>
    Buffer.concat([datagram, Buffer.from(Array.from({ length: below(random, 300) }, () => below(random, 256)))]),
  (datagram, random) => {
    // The lengths of record, message and fragment are where parsers fall.
    const at = [11, 12, 14, 15, 16, 19, 20, 21, 22, 23, 24][below(random, 11)];
    if (at < datagram.length) datagram[at] = [0, 1, 0x7f, 0xff, below(random, 256)][below(random, 5)];
    return datagram;
  },
  (datagram, random) => {
    const at = below(random, datagram.length);
    return Buffer.concat([datagram.subarray(0, at), datagram.subarray(below(random, datagram.length))]);
  },
  (_datagram, random) => Buffer.from(Array.from({ length: below(random, 1_500) }, () => below(random, 256))),
];

const mutate = (datagram: Uint8Array, random: Random) =>
  mutations[below(random, mutations.length)](Buffer.from(datagram), random);

/** A broken handshake may end in any error of ours, and in no other way. */
function survives(act: () => void): string {
  try {
    act();
    return 'no error';
  } catch (error) {
    if (error instanceof DtlsError) return error.code;
    throw error;
  }
}

test.each([0xccac, 0xc0a8, 0x00a8])(
  '3 000 mutated datagrams in handshakes of suite %i end in a session or a DtlsError',
  suite => {
    const random = seededRandom(suite);
    const listener = testListener({ suites: [suite] });
    const resume = handshake({ client: testClient(), listener }).client.exportSession();
    let mutated = 0;
    const ends = new Set<string>();
    while (mutated < 3_000) {
      const target = below(random, 8);
      let seen = 0;
      const wire: Wire = {
        client: testClient(random() < 0.3 ? { resume } : {}),
        listener,
        pass(datagram) {
          if (seen++ !== target) return [datagram];
          const copies = Array.from({ length: 1 + below(random, 3) }, () => mutate(datagram, random));
          mutated += copies.length;
          return random() < 0.5 ? copies : [...copies, datagram];
        },
      };
      ends.add(survives(() => handshake(wire)));
      ends.add(
        survives(() => {
          wire.client.handleTimeout();
          wire.server?.handleTimeout();
          settle(wire);
        }),
      );
      if (target >= seen) mutated++;
    }
    expect(ends).toContain('no error');
    expect(handshake({ client: testClient(), listener }).client.state).toBe('open');
  },
);

test.each([0xccac, 0xc0a8, 0x00a8])('5 000 mutated records leave a session of suite %i open and are counted', suite => {
  const random = seededRandom(~suite);
  const { client, server } = openPair({ suites: [suite] });
  for (let i = 0; i < 5_000; i++) {
    const plaintext = utf8.encode(`record ${i} ${'x'.repeat(below(random, 200))}`);
    const datagram = client.send(plaintext);
    for (const octets of server.receive(mutate(datagram, random))) expect(octets).toEqual(plaintext);
    if (i % 50 === 0) {
      const next = utf8.encode(`honest ${i}`);
      expect(server.receive(client.send(next))).toEqual([next]);
    }
  }
  expect(server.state).toBe('open');
  expect(server.dropped()).toBeGreaterThan(4_000);
});

test('3 000 mutated first datagrams leave the listener listening', () => {
  const random = seededRandom(3);
  const listener = testListener();
  const client = testClient();
  client.start();
  const [hello] = client.takeDatagrams();
  client.receive(listener.receive(hello, testPeer).reply[0]);
  const [withCookie] = client.takeDatagrams();
  for (let i = 0; i < 3_000; i++)
    survives(() => listener.receive(mutate(i % 2 ? hello : withCookie, random), testPeer));
  expect(handshake({ client: testClient(), listener }).client.state).toBe('open');
});
