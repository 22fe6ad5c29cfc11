import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { dtls, DtlsError } from './index.ts';
import {
  handshake,
  openPair,
  settle,
  testClient,
  testIdentity,
  testKey,
  testListener,
  testPeer,
  type Wire,
} from './memory-pair.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (octets: Uint8Array) => new TextDecoder().decode(octets);

/** The error that `act` throws. */
function errorOf(act: () => unknown): DtlsError {
  try {
    act();
  } catch (error) {
    if (error instanceof DtlsError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('a handshake', () => {
  test.each([
    ['ECDHE-PSK-CHACHA20-POLY1305', 0xccac],
    ['PSK-AES128-CCM8', 0xc0a8],
    ['PSK-AES128-GCM-SHA256', 0x00a8],
  ])('with %s agrees on identity, hint, server name and extended master secret', (_name, suite) => {
    const { client, server } = openPair({ suites: [suite], serverName: 'msgin5g.example.com' });
    const facts = {
      suite,
      resumed: false,
      extendedMasterSecret: true,
      identity: testIdentity,
      identityHint: '3GPP-AKMA',
      serverName: 'msgin5g.example.com',
    };
    expect(client.facts()).toEqual(facts);
    expect(server.facts()).toEqual(facts);
    expect(text(server.receive(client.send(bytes('up')))[0])).toBe('up');
    expect(text(client.receive(server.send(bytes('down')))[0])).toBe('down');
  });

  test('takes the first suite of the server that the client offers', () => {
    const { client } = openPair({ suites: [0xccac, 0xc0a8, 0x00a8] }, { suites: [0x00a8, 0xc0a8] });
    expect(client.facts().suite).toBe(0x00a8);
  });

  test('asks both ends for the key of the suite that was chosen', () => {
    const asked: unknown[] = [];
    openPair(
      { psk: (suite, hint) => (asked.push(['client', suite, hint]), { identity: testIdentity, key: testKey }) },
      { suites: [0xc0a8], psk: (identity, suite) => (asked.push(['server', suite, identity]), testKey) },
    );
    expect(asked).toEqual([
      ['client', 0xc0a8, '3GPP-AKMA'],
      ['server', 0xc0a8, testIdentity],
    ]);
  });

  test('tells the client that there was no hint', () => {
    const { client } = openPair({ suites: [0xc0a8] }, { identityHint: undefined });
    expect(client.facts()).not.toHaveProperty('identityHint');
  });

  test('keeps nothing for a peer that does not send its cookie back', () => {
    const listener = testListener();
    const client = testClient();
    client.start();
    const { reply, session } = listener.receive(client.takeDatagrams()[0], testPeer);
    expect(session).toBeUndefined();
    // RFC 6347 §4.2.1: record type 22, handshake type 3 HelloVerifyRequest, smaller than what it answers
    expect([reply[0][0], reply[0][13]]).toEqual([22, 3]);
    client.receive(reply[0]);
    const [withCookie] = client.takeDatagrams();
    expect(listener.receive(withCookie, bytes('192.0.2.2:40001')).session).toBeUndefined();
    expect(listener.receive(withCookie, testPeer).session?.state).toBe('handshaking');
  });

  test('is repeated flight by flight when its datagrams are lost', () => {
    // Long against whatever this machine does meanwhile: the engine reads the system's clock.
    const initialTimeoutMs = 20_000;
    const wire: Wire = { client: testClient({ initialTimeoutMs }), listener: testListener(), pass: () => [] };
    handshake(wire);
    expect(wire.client.deadlineMs()).toBeGreaterThan(0);
    expect(wire.client.deadlineMs()).toBeLessThanOrEqual(initialTimeoutMs);
    wire.client.handleTimeout();
    expect(wire.client.deadlineMs()).toBeGreaterThan(initialTimeoutMs);
    expect(wire.client.deadlineMs()).toBeLessThanOrEqual(2 * initialTimeoutMs);
    wire.pass = datagram => [datagram];
    settle(wire);
    expect([wire.client.state, wire.server?.state]).toEqual(['open', 'open']);
    expect(wire.client.deadlineMs()).toBeUndefined();
  });

  test('ends by itself when nobody ever answers', () => {
    const client = testClient();
    client.start();
    const error = errorOf(() => {
      for (let i = 0; i < 30; i++) client.handleTimeout();
    });
    expect(error.code).toBe('dtls.timeout');
    expect(client.state).toBe('closed');
  });
});

describe('a refusal', () => {
  test('of an unknown identity is alert 115 at both ends', () => {
    const wire: Wire = { client: testClient(), listener: testListener({ psk: () => undefined }) };
    const atServer = errorOf(() => handshake(wire));
    expect(atServer).toMatchObject({ code: 'dtls.psk-refused', alert: 115, alertFrom: 'us' });
    const [alert] = wire.server!.takeDatagrams().slice(-1);
    expect(errorOf(() => wire.client.receive(alert))).toMatchObject({
      code: 'dtls.psk-refused',
      alert: 115,
      alertFrom: 'peer',
    });
  });

  test('of a wrong key is silence: the server drops what it cannot open', () => {
    const other = new Uint8Array(32).fill(1);
    const wire = handshake({ client: testClient(), listener: testListener({ psk: () => other }) });
    expect([wire.client.state, wire.server?.state]).toEqual(['handshaking', 'handshaking']);
    expect(wire.client.deadlineMs()).toBeGreaterThan(0);
  });

  test('for want of a common suite names it at both ends', () => {
    const listener = testListener({ suites: [0xc0a8] });
    const client = testClient({ suites: [0xccac] });
    client.start();
    client.receive(listener.receive(client.takeDatagrams()[0], testPeer).reply[0]);
    const { reply, failure, session } = listener.receive(client.takeDatagrams()[0], testPeer);
    expect(session).toBeUndefined();
    expect(failure?.code).toBe('dtls.no-common-suite');
    expect(errorOf(() => client.receive(reply[0]))).toMatchObject({ code: 'dtls.no-common-suite', alert: 40 });
  });

  test('by the client itself, without a key, carries what its psk threw', () => {
    const why = new Error('the key file is gone');
    const client = testClient({
      psk: () => {
        throw why;
      },
    });
    const error = errorOf(() => handshake({ client, listener: testListener() }));
    expect(error).toMatchObject({ code: 'dtls.psk-refused', cause: why });
    expect(client.state).toBe('closed');
  });

  test('meets a call on the session that is just asking for its key', () => {
    const codes: string[] = [];
    const client = testClient({
      psk: () => {
        codes.push(errorOf(() => client.close()).code, errorOf(() => client.receive(bytes('x'))).code);
        return { identity: testIdentity, key: testKey };
      },
    });
    expect(handshake({ client, listener: testListener() }).client.state).toBe('open');
    expect(codes).toEqual(['dtls.busy', 'dtls.busy']);
  });
});

describe('resumption', () => {
  const resumeAt = (listener = testListener()) => {
    const first = handshake({ client: testClient(), listener });
    return { listener, resume: first.client.exportSession() };
  };

  test('needs no key at either end and keeps the end of the first one', () => {
    const expiresAtMs = Date.now() + 60_000;
    const asked: string[] = [];
    const { listener, resume } = resumeAt(
      testListener({ psk: identity => (asked.push(identity), { key: testKey, expiresAtMs }) }),
    );
    const wire = handshake({ client: testClient({ resume, psk: () => undefined }), listener });
    expect(wire.client.facts()).toMatchObject({ resumed: true, extendedMasterSecret: true, identity: testIdentity });
    expect(wire.server!.facts()).toMatchObject({ resumed: true, expiresAtMs });
    expect(asked).toHaveLength(1);
    expect(text(wire.server!.receive(wire.client.send(bytes('up')))[0])).toBe('up');
  });

  test('is a full handshake when the server was told to forget', () => {
    const withdrawn: unknown[] = [];
    const { listener, resume } = resumeAt(
      testListener({
        psk: () => ({ key: testKey, expiresAtMs: 4_000_000_000_000 }),
        mayResume: (identity, expiresAtMs) => (withdrawn.push([identity, expiresAtMs]), false),
      }),
    );
    expect(handshake({ client: testClient({ resume }), listener }).client.facts().resumed).toBe(false);
    expect(withdrawn).toEqual([[testIdentity, 4_000_000_000_000]]);
  });

  test('is not offered with a lifetime of 0, nor with another server', () => {
    const without = resumeAt(testListener({ resumptionLifetimeSeconds: 0 }));
    expect(without.resume).toBeUndefined();
    const { resume } = resumeAt();
    expect(handshake({ client: testClient({ resume }), listener: testListener() }).client.facts().resumed).toBe(false);
  });

  test('does not cross to another server name', () => {
    const listener = testListener();
    const first = handshake({ client: testClient({ serverName: 'a.example' }), listener });
    const client = testClient({ serverName: 'b.example', resume: first.client.exportSession() });
    expect(handshake({ client, listener }).client.facts().resumed).toBe(false);
  });

  test('of nonsense is a full handshake', () => {
    const client = testClient({ resume: bytes('no session at all') });
    expect(handshake({ client, listener: testListener() }).client.facts().resumed).toBe(false);
  });
});

describe('an open session', () => {
  test('drops a replayed record and counts it', () => {
    const { client, server } = openPair();
    const record = client.send(bytes('once'));
    expect(server.receive(record)).toHaveLength(1);
    expect(server.receive(record)).toEqual([]);
    expect(server.dropped()).toBe(1);
  });

  test('drops a record of which one bit is wrong, and opens the next', () => {
    const { client, server } = openPair();
    const record = client.send(bytes('true'));
    const forged = record.slice();
    forged[forged.length - 1] ^= 1;
    expect(server.receive(forged)).toEqual([]);
    expect(server.receive(record).map(text)).toEqual(['true']);
    expect(server.dropped()).toBe(1);
  });

  test('opens records in any order, and several in one datagram', () => {
    const { client, server } = openPair();
    const [a, b, c] = ['a', 'bb', 'ccc'].map(word => client.send(bytes(word)));
    expect(server.receive(c).map(text)).toEqual(['ccc']);
    expect(server.receive(Buffer.concat([a, b])).map(text)).toEqual(['a', 'bb']);
    expect(server.dropped()).toBe(0);
  });

  test('takes what fits into the datagram size with its overhead, and no more', () => {
    const { client, server } = openPair({ suites: [0xc0a8], mtuBytes: 500 });
    // RFC 6655: 13 of header, 8 of nonce, 8 of tag
    expect(client.send(new Uint8Array(500 - 29))).toHaveLength(500);
    expect(errorOf(() => client.send(new Uint8Array(500 - 28))).code).toBe('dtls.too-large');
    expect(errorOf(() => client.send(new Uint8Array(0))).code).toBe('dtls.too-large');
    expect(server.receive(client.send(bytes('still open'))).map(text)).toEqual(['still open']);
  });

  test('is not ended by a forged alert of the time before the handshake', () => {
    const { client, server } = openPair();
    // Record: alert, DTLS 1.2, epoch 0, sequence 5, length 2; fatal, handshake_failure
    server.receive(Buffer.from('15fefd0000000000000005000202' + '28', 'hex'));
    expect(server.state).toBe('open');
    expect(server.receive(client.send(bytes('on'))).map(text)).toEqual(['on']);
  });

  test('ends with close_notify, which the peer answers', () => {
    const { client, server } = openPair();
    client.close();
    client.close();
    for (const datagram of client.takeDatagrams()) server.receive(datagram);
    expect([client.state, server.state]).toEqual(['closed', 'closed']);
    expect(server.takeDatagrams()).toHaveLength(1);
    expect(errorOf(() => server.send(bytes('late'))).code).toBe('dtls.closed');
    expect(server.receive(bytes('late'))).toEqual([]);
    expect(server.facts().identity).toBe(testIdentity);
    expect(client.exportSession()).toBeUndefined();
  });

  test('sends nothing before it is open', () => {
    expect(errorOf(() => testClient().send(bytes('early'))).code).toBe('dtls.closed');
  });
});

test('says with what it was linked', () => expect(dtls.opensslVersion).toMatch(/^OpenSSL 3\./));

test.each([
  ['a suite that is not known', () => testClient({ suites: [0x1301] })],
  ['no suite', () => testClient({ suites: [] })],
  ['a datagram size out of range', () => testClient({ mtuBytes: 100 })],
  ['a server name with a NUL', () => testClient({ serverName: 'a\0b' })],
  ['a server name of 256 octets', () => testClient({ serverName: 'x'.repeat(256) })],
  ['a short cookie secret', () => testListener({ cookieSecret: new Uint8Array(31) })],
  ['a lifetime below 0', () => testListener({ resumptionLifetimeSeconds: -1 })],
  ['a datagram that is text', () => testClient().receive('text' as unknown as Uint8Array)],
  ['a datagram of 16-bit words', () => testClient().receive(new Uint16Array(4) as unknown as Uint8Array)],
  ['a peer of no octets', () => testListener().receive(bytes('x'), new Uint8Array(0))],
])('refuses %s as an argument', (_what, act) => expect(act).toThrow(TypeError));

test.each([
  ['an identity of 257 octets', { identity: 'x'.repeat(257), key: testKey }],
  ['an identity with a NUL', { identity: 'a\0b', key: testKey }],
  ['an empty key', { identity: testIdentity, key: new Uint8Array(0) }],
  ['a key of 513 octets', { identity: testIdentity, key: new Uint8Array(513) }],
])('refuses %s as an answer for a key', (_what, answer) => {
  const wire: Wire = { client: testClient({ psk: () => answer }), listener: testListener() };
  expect(errorOf(() => handshake(wire)).code).toBe('dtls.psk-refused');
});

test('works in several threads at once, and when they end in the middle of a handshake', async () => {
  const worker = () =>
    new Promise((resolve, reject) => {
      const thread = new Worker(
        `import(${JSON.stringify(new URL('./memory-pair.ts', import.meta.url).href)}).then(({ openPair, testClient }) => {
          for (let i = 0; i < 20; i++) openPair();
          globalThis.kept = testClient();
          kept.start();
          process.exit(7);
        });`,
        { eval: true },
      );
      thread.on('error', reject);
      thread.on('exit', resolve);
    });
  expect(await Promise.all([worker(), worker(), worker()])).toEqual([7, 7, 7]);
  expect(openPair().client.state).toBe('open');
});
