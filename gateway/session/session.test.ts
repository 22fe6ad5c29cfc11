import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fromUtf8, toHex, utf8 } from '../base/bytes.ts';
import { GatewayError } from '../base/errors.ts';
import { silentLog, type Log } from '../base/log.ts';
import { seededRandom } from '../base/random.ts';
import { Secret } from '../base/secret.ts';
import { TestClock } from '../base/test-clock.ts';
import type { Receiver } from '../channel/channel.ts';
import { createMemoryHub, type MemoryChannel, type MemoryHub } from '../channel/memory.ts';
import { createCoapEndpoint } from '../coap/endpoint.ts';
import type { CoapEndpoint, CoapResponse, IncomingRequest } from '../coap/types.ts';
import { akmaIdentityFormat } from './psk-identity.ts';
import { createSession, type SessionOptions } from './session.ts';
import type { ConnectRequest, SecureChannel, Transport } from './transport.ts';
import type { KeySource, Session, SessionState, SessionUser } from './types.ts';

const startMs = Date.UTC(2026, 10, 21);
const aKid = 'rid0000.LLF042GWKhalxJDZ7f3hPdXyYg4haZGDNH2aTBTKKRA@5gc.mnc001.mcc001.3gppnetwork.org';
const dayMs = 24 * 3_600_000;
const changed: CoapResponse = { code: 0x44, options: [], payload: new Uint8Array() };

/** What the server does with one handshake. */
type Handshake = 'accept' | 'hang' | { refuse: GatewayError; beforeKey?: boolean } | { hint: string | undefined };

/** A key source in memory that counts its questions. */
class Keys implements KeySource {
  aKidNow: string | undefined = aKid;
  expiresAtMs = startMs + dayMs;
  readonly asked: string[] = [];
  reads = 0;
  /** Called before each answer to `aKid`. */
  onRead: () => void = () => {};

  aKid(): Promise<string | undefined> {
    this.reads++;
    this.onRead();
    return Promise.resolve(this.aKidNow);
  }

  kAf(afId: string, uaStarId: Uint8Array) {
    this.asked.push(`${afId} ${toHex(uaStarId)}`);
    return Promise.resolve({
      kAf: new Secret(Uint8Array.from({ length: 32 }, () => uaStarId[4])),
      expiresAtMs: this.expiresAtMs,
    });
  }
}

/** A transport whose handshakes go as the script says, over a network in memory. */
class Scripted implements Transport {
  readonly script: Handshake[] = [];
  readonly connected: ConnectRequest[] = [];
  readonly given: (string | undefined)[] = [];
  readonly open = new Set<Wire>();
  isClosed = false;
  readonly #hub: MemoryHub;
  readonly #clock: TestClock;

  constructor(hub: MemoryHub, clock: TestClock) {
    this.#hub = hub;
    this.#clock = clock;
  }

  connect(request: ConnectRequest): SecureChannel {
    this.connected.push(request);
    const number = this.connected.length;
    return new Wire(
      this,
      this.#hub.channel(`gateway-${number}`),
      request,
      this.script.shift() ?? 'accept',
      this.#clock,
    );
  }

  /** The wire in use. */
  get wire(): Wire {
    return [...this.open].at(-1)!;
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

class Wire implements SecureChannel {
  readonly framing = 'datagram';
  readonly isReliable = false;
  readonly isOrdered = false;
  readonly maxDatagramBytes = 1_152;
  readonly below: MemoryChannel;
  readonly #transport: Scripted;
  readonly #request: ConnectRequest;
  readonly #handshake: Handshake;
  readonly #clock: TestClock;
  #receiver: Receiver | undefined;
  #abort: (reason: Error) => void = () => {};
  #cancelExpiry = (): void => {};
  facts: SecureChannel['facts'];

  constructor(
    transport: Scripted,
    below: MemoryChannel,
    request: ConnectRequest,
    handshake: Handshake,
    clock: TestClock,
  ) {
    this.#transport = transport;
    this.below = below;
    this.#request = request;
    this.#handshake = handshake;
    this.#clock = clock;
  }

  get counters() {
    return this.below.counters;
  }

  get endpoint() {
    return this.below.endpointFor('server');
  }

  async open(receiver: Receiver): Promise<void> {
    const { psk, resume, endsAtMs } = this.#request;
    const handshake = this.#handshake;
    if (handshake === 'hang') await new Promise((_, reject) => (this.#abort = reject));
    if (typeof handshake === 'object' && 'refuse' in handshake && handshake.beforeKey) throw handshake.refuse;
    if (!resume) {
      const given = psk(0xc0a8, typeof handshake === 'object' && 'hint' in handshake ? handshake.hint : '3GPP-AKMA');
      this.#transport.given.push(given && `${given.identity} ${toHex(given.key.reveal())}`);
      if (!given) throw new GatewayError('dtls.psk-refused', 'we refused');
    }
    if (typeof handshake === 'object' && 'refuse' in handshake) throw handshake.refuse;
    this.facts = { suite: 0xc0a8, resumed: resume !== undefined };
    this.#receiver = receiver;
    this.#transport.open.add(this);
    this.#cancelExpiry = this.#clock.after(endsAtMs - this.#clock.wallMs(), () =>
      this.end(new GatewayError('akma.expired', 'K_AF expired')),
    );
    await this.below.open(receiver);
  }

  exportSession() {
    return utf8(this.below.name);
  }

  send(octets: Uint8Array, to: SecureChannel['endpoint']): void {
    this.below.send(octets, to);
  }

  /** The server, or the network, ends the session. */
  end(reason: GatewayError): void {
    this.#receiver?.onEndpointLost?.(this.endpoint, reason);
  }

  async close(): Promise<void> {
    this.#cancelExpiry();
    this.#abort(new GatewayError('dtls.closed', 'closed by us'));
    this.#transport.open.delete(this);
    await this.below.close();
  }
}

let clock: TestClock;
let hub: MemoryHub;
let keys: Keys;
let transport: Scripted;
let server: CoapEndpoint;
let session: Session;
let states: SessionState[];
let posted: string[];
let answer: (request: IncomingRequest) => CoapResponse | Promise<CoapResponse>;
let user: SessionUser & { asked: string[] };

beforeEach(async () => {
  clock = new TestClock(startMs);
  hub = createMemoryHub({ clock, random: seededRandom(1) });
  keys = new Keys();
  transport = new Scripted(hub, clock);
  posted = [];
  answer = () => changed;
  server = createCoapEndpoint({
    channel: hub.channel('server'),
    clock,
    random: seededRandom(2),
    handler: request => {
      posted.push(fromUtf8(request.payload)!);
      return answer(request);
    },
  });
  await server.start();
  user = {
    asked: [],
    register: async post => void (await post(utf8('REG'))),
    deregister: async post => void (await post(utf8('DEREG'))),
    onRequest(request) {
      this.asked.push(fromUtf8(request.payload)!);
      return changed;
    },
  };
  build({});
});

afterEach(async () => {
  await stopped();
  await server.stop();
  expect(clock.pending).toBe(0);
});

function build(options: Partial<SessionOptions>): void {
  session = createSession({
    server: { fqdn: 'msgin5g.example.com', where: '127.0.0.1:5684', uriPath: ['msgin5g'] },
    suites: [0xccac, 0xc0a8],
    uaStarId: 'auto',
    identityFormat: akmaIdentityFormat,
    requireIdentityHint: 'warn',
    pingAfterSilenceMs: 25_000,
    random: seededRandom(3),
    log: silentLog,
    keySource: keys,
    transport,
    user,
    clock,
    ...options,
  });
  states = [];
  let last: SessionState | undefined;
  session.onStatus(({ state }) => {
    if (state !== last) states.push(state);
    last = state;
  });
}

async function up(): Promise<void> {
  session.start();
  await clock.advanceAsync(1);
  expect(session.status().state).toBe('up');
}

async function stopped(): Promise<void> {
  const stopping = session.stop(0);
  await clock.advanceAsync(0);
  await stopping;
}

const serverIsAway = (isAway: boolean) => (hub.faults.drops = () => isAway);
const refusal = (code: string) => ({ refuse: new GatewayError(code, code) });

describe('on the way up', () => {
  test('it goes through every state and registers before it is up', async () => {
    expect(session.status()).toMatchObject({
      state: 'no-key',
      reason: { code: 'session.stopped' },
      server: '127.0.0.1:5684',
    });
    await up();
    expect(states).toEqual(['keyed', 'handshaking', 'registering', 'up']);
    expect(posted).toEqual(['REG']);
    expect(session.status()).toMatchObject({
      state: 'up',
      aKid,
      keyExpiresAtMs: startMs + dayMs,
      suite: 0xc0a8,
      resumed: false,
      attempts: 0,
      provedAtMs: startMs,
    });
    expect(session.status().reason).toBeUndefined();
  });

  test('it POSTs JSON to the path of the profile, confirmable', async () => {
    await up();
    // CON POST, token, Uri-Path "msgin5g", Content-Format 50, "REG". RFC 7252 §3.
    expect(toHex(hub.carried[0].octets)).toMatch(/^4[1-8]02.*b76d7367696e35671132ff524547$/);
  });

  test('K_AF of each offered suite is asked for with its Ua* identifier before the handshake', async () => {
    await up();
    expect(keys.asked).toEqual(['msgin5g.example.com 010001ccac', 'msgin5g.example.com 010001c0a8']);
    expect(transport.given).toEqual([`3GPP-AKMA${aKid} ${'a8'.repeat(32)}`]);
  });

  test('one Ua* identifier can be set for every suite', async () => {
    build({ uaStarId: '0100000007' });
    await up();
    expect(new Set(keys.asked)).toEqual(new Set(['msgin5g.example.com 0100000007']));
  });

  test('a key that is renewed while it is read is read again', async () => {
    keys.onRead = () => {
      if (keys.reads === 2) keys.aKidNow = 'renewed@realm';
    };
    await up();
    expect(transport.given[0]).toMatch(/^3GPP-AKMArenewed@realm /);
  });

  test('the server may ask before its answer to the registration is there', async () => {
    answer = async ({ from }) => {
      await server.request(from, { code: 0x02, options: [], payload: utf8('MSG') });
      return changed;
    };
    await up();
    expect(user.asked).toEqual(['MSG']);
  });

  test('a second start changes nothing', async () => {
    session.start();
    await up();
    expect(transport.connected.length).toBe(1);
  });
});

describe('without a key', () => {
  test('it says so, waits longer and longer, and takes the key when it is there', async () => {
    keys.aKidNow = undefined;
    session.start();
    await clock.advanceAsync(600_000);
    expect(session.status()).toMatchObject({ state: 'no-key', reason: { code: 'akma.no-key', layer: 'AKMA' } });
    expect(transport.connected).toEqual([]);
    expect(keys.reads).toBeGreaterThan(10);
    expect(keys.reads).toBeLessThan(25);
    keys.aKidNow = aKid;
    await clock.advanceAsync(60_000);
    expect(session.status().state).toBe('up');
  });

  test('a key that has expired is none', async () => {
    keys.expiresAtMs = startMs;
    session.start();
    await clock.advanceAsync(0);
    expect(session.status()).toMatchObject({ state: 'no-key', reason: { code: 'akma.expired' } });
  });

  test('an error of another kind is told by its code alone', async () => {
    keys.kAf = () => Promise.reject(Object.assign(new Error('kAf d1d1a54e'), { code: 'EMODEM' }));
    session.start();
    await clock.advanceAsync(0);
    expect(session.status().reason).toMatchObject({
      code: 'akma.key-source',
      message: 'the key source failed: EMODEM',
    });
  });
});

describe('when the server refuses the key', () => {
  test('the key is read once more and tried once more at once; a renewed one gets through', async () => {
    transport.script.push(refusal('dtls.psk-refused'));
    keys.onRead = () => {
      if (transport.connected.length === 1) keys.aKidNow = 'renewed@realm';
    };
    await up();
    expect(transport.given.map(given => given?.split(' ')[0])).toEqual([`3GPP-AKMA${aKid}`, '3GPP-AKMArenewed@realm']);
    expect(states).toEqual(['keyed', 'handshaking', 'lost', 'keyed', 'handshaking', 'registering', 'up']);
  });

  test.each(['dtls.psk-refused', 'dtls.psk-silent'])(
    '%s is told in words and never tried in a tight loop',
    async code => {
      for (let i = 0; i < 1_000; i++) transport.script.push(refusal(code));
      session.start();
      await clock.advanceAsync(1);
      expect(transport.connected.length).toBe(2);
      expect(session.status()).toMatchObject({
        state: 'lost',
        attempts: 2,
        reason: {
          code: 'akma.refused',
          layer: 'AKMA',
          message: expect.stringMatching(/^AKMA key expired or not registered/),
        },
      });
      expect(session.status().nextTryAtMs).toBeGreaterThanOrEqual(clock.wallMs() + 999);
      await clock.advanceAsync(3_600_000);
      // A wait of a minute is 30 to 60 s long: 60 to 120 an hour, and a few while it grows.
      expect(transport.connected.length).toBeGreaterThan(60);
      expect(transport.connected.length).toBeLessThan(125);
    },
  );

  test('silence before the key was needed is no word about the key', async () => {
    transport.script.push({ ...refusal('dtls.psk-silent'), beforeKey: true });
    session.start();
    await clock.advanceAsync(0);
    expect(session.status().reason).toMatchObject({ code: 'dtls.psk-silent', layer: 'DTLS' });
  });
});

describe("the server's identity hint", () => {
  test('may be one of a list', async () => {
    transport.script.push({ hint: '3GPP-bootstrapping;3GPP-AKMA' });
    await up();
  });

  test('that names another kind of key is refused, and the key does not leave', async () => {
    transport.script.push({ hint: '3GPP-bootstrapping' });
    session.start();
    await clock.advanceAsync(0);
    expect(transport.given).toEqual([undefined]);
    expect(session.status()).toMatchObject({ state: 'lost', reason: { code: 'akma.wrong-hint' } });
  });

  test('that is missing is a warning, or a refusal where that is set', async () => {
    const warnings: string[] = [];
    const log: Log = { ...silentLog, warn: message => warnings.push(message) };
    build({ log });
    transport.script.push({ hint: undefined }, { hint: undefined });
    await up();
    expect(warnings).toEqual([expect.stringContaining('identity hint')]);
    await stopped();
    build({ requireIdentityHint: 'refuse' });
    session.start();
    await clock.advanceAsync(0);
    expect(session.status().reason).toMatchObject({ code: 'akma.no-hint', layer: 'AKMA' });
  });
});

test.each([
  ['channel.dns', 'DNS'],
  ['channel.refused', 'UDP'],
  ['channel.unreachable', 'UDP'],
  ['dtls.no-answer', 'UDP'],
  ['dtls.no-common-suite', 'DTLS'],
])('%s is a failure of %s and is tried again after a while', async (code, layer) => {
  transport.script.push({ refuse: new GatewayError(code, 'the sentence', { hint: 'the hint' }), beforeKey: true });
  session.start();
  await clock.advanceAsync(0);
  expect(session.status()).toMatchObject({
    state: 'lost',
    reason: { code, layer, message: 'the sentence', hint: 'the hint' },
  });
  await clock.advanceAsync(999);
  expect(transport.connected.length).toBe(1);
  await clock.advanceAsync(1_001);
  expect(session.status().state).toBe('up');
});

describe('a registration that fails', () => {
  test('is told, waited after, and tried again on a resumed session', async () => {
    user.register = () =>
      Promise.reject(new GatewayError('registration.refused', 'the server refused REG', { hint: 'ask' }));
    session.start();
    await clock.advanceAsync(1);
    expect(session.status()).toMatchObject({
      state: 'lost',
      reason: { code: 'registration.refused', layer: 'registration' },
    });
    expect(transport.open.size).toBe(0);
    user.register = () => Promise.resolve();
    await clock.advanceAsync(2_000);
    expect(session.status()).toMatchObject({ state: 'up', resumed: true });
  });

  test('because the session ended meanwhile ends with it', async () => {
    user.register = () => new Promise(() => {});
    session.start();
    await clock.advanceAsync(1);
    expect(session.status().state).toBe('registering');
    transport.wire.end(new GatewayError('dtls.closed', 'the peer closed the session'));
    await clock.advanceAsync(1);
    expect(session.status()).toMatchObject({ state: 'lost', reason: { code: 'dtls.closed' } });
  });
});

describe('with settings of its own', () => {
  test('the first failed exchange brings a resumption, and posts are refused meanwhile', async () => {
    build({ coap: { ackTimeoutMs: 1_000, maxRetransmit: 1 } });
    await up();
    await clock.advanceAsync(10_000);
    serverIsAway(true);
    transport.script.push('hang');
    const failed = session.post(utf8('MSG')).catch((error: unknown) => error);
    await clock.advanceAsync(4_500);
    expect(await failed).toMatchObject({ code: 'coap.no-answer' });
    expect(session.status()).toMatchObject({ state: 'handshaking', reason: { code: 'coap.no-answer', layer: 'CoAP' } });
    expect(transport.connected.at(-1)?.resume).toBeInstanceOf(Secret);
    await expect(session.post(utf8('MSG'))).rejects.toMatchObject({ code: 'session.not-up' });
  });

  test('a ping that is set too late for a proof is sent in time', async () => {
    build({ pingAfterSilenceMs: 600_000 });
    await up();
    await clock.advanceAsync(300_000);
    expect(session.status().state).toBe('up');
  });
});

describe('while it is up', () => {
  beforeEach(up);

  test('25 s of silence bring a ping, and its answer is the proof', async () => {
    const sent = hub.carried.length;
    await clock.advanceAsync(24_998);
    expect(hub.carried.length).toBe(sent);
    await clock.advanceAsync(2);
    // Empty CON and the RST to it. RFC 7252 §4.3.
    expect(hub.carried.slice(sent).map(({ octets }) => toHex(octets).slice(0, 4))).toEqual(['4000', '7000']);
    expect(session.status()).toMatchObject({ state: 'up', provedAtMs: startMs + 25_000 });
    await clock.advanceAsync(3_600_000);
    expect(session.status().state).toBe('up');
    expect(hub.carried.length).toBe(sent + 2 * 145);
  });

  test('an exchange is as good as a ping', async () => {
    for (let i = 0; i < 10; i++) {
      await clock.advanceAsync(20_000);
      await Promise.all([session.post(utf8(`MSG ${i}`)), clock.advanceAsync(0)]);
    }
    expect(posted.length).toBe(11);
    expect(hub.carried.filter(({ octets }) => octets.length === 4)).toEqual([]);
    expect(session.status().provedAtMs).toBe(clock.wallMs());
  });

  test('a post gives the answer', async () => {
    const [response] = await Promise.all([session.post(utf8('MSG')), clock.advanceAsync(0)]);
    expect(response.code).toBe(0x44);
  });

  test('a server that lost our registration gets it anew, on the same session', async () => {
    await Promise.all([session.register(), clock.advanceAsync(0)]);
    expect(posted).toEqual(['REG', 'REG']);
    expect(session.status().state).toBe('up');
    expect(transport.connected.length).toBe(1);
  });

  test('a server that will not have us back ends the session, which says why', async () => {
    user.register = () => Promise.reject(new GatewayError('registration.refused', 'the server refused REG'));
    const refused = expect(session.register()).rejects.toMatchObject({ code: 'registration.refused' });
    await clock.advanceAsync(1);
    await refused;
    expect(session.status()).toMatchObject({
      state: 'lost',
      reason: { code: 'registration.refused', layer: 'registration' },
    });
  });

  test('an answer of refusal ends nothing', async () => {
    answer = () => ({ ...changed, code: 0x84 });
    const [response] = await Promise.all([session.post(utf8('MSG')), clock.advanceAsync(0)]);
    expect(response.code).toBe(0x84);
    expect(session.status().state).toBe('up');
  });

  test('without a proof for 60 s it is not up, although the exchange could still succeed', async () => {
    serverIsAway(true);
    transport.script.push('hang');
    await clock.advanceAsync(59_998);
    expect(session.status().state).toBe('up');
    await clock.advanceAsync(2);
    expect(session.status()).toMatchObject({ state: 'handshaking', reason: { code: 'session.not-proved' } });
  });

  test('it resumes from the same port, then handshakes anew from another, then waits', async () => {
    await clock.advanceAsync(30_000);
    const silent = refusal('dtls.no-answer');
    transport.script.push({ ...silent, beforeKey: true }, { ...silent, beforeKey: true });
    transport.wire.end(new GatewayError('dtls.closed', 'the peer closed the session'));
    await clock.advanceAsync(1);
    expect(transport.connected.slice(1).map(({ resume }) => resume && fromUtf8(resume.reveal()))).toEqual([
      'gateway-1',
      undefined,
    ]);
    expect(session.status()).toMatchObject({ state: 'lost', reason: { code: 'dtls.no-answer' } });
    await clock.advanceAsync(2_000);
    expect(session.status().state).toBe('up');
    expect(transport.connected.length).toBe(4);
    expect(posted).toEqual(['REG', 'REG']);
  });

  test('a server that ends each session at once is not asked in a tight loop', async () => {
    for (let i = 0; i < 1_000; i++) {
      if (session.status().state === 'up') transport.wire.end(new GatewayError('dtls.closed', 'closed'));
      await clock.advanceAsync(1_000);
    }
    expect(transport.connected.length).toBeLessThan(40);
  });

  test('the end of K_AF ends the session and its resumption; a renewed key begins anew', async () => {
    await clock.advanceAsync(dayMs - 2_000);
    expect(session.status().state).toBe('up');
    await clock.advanceAsync(2_000);
    expect(session.status()).toMatchObject({ state: 'no-key', reason: { code: 'akma.expired' } });
    expect(session.status().aKid).toBeUndefined();
    keys.expiresAtMs += dayMs;
    await clock.advanceAsync(60_000);
    expect(session.status()).toMatchObject({ state: 'up', resumed: false, keyExpiresAtMs: startMs + 2 * dayMs });
    expect(transport.connected.map(({ resume }) => resume)).toEqual([undefined, undefined]);
  });

  test('a resumed session ends no later than the key of the first', async () => {
    keys.expiresAtMs += dayMs;
    await clock.advanceAsync(30_000);
    transport.wire.end(new GatewayError('dtls.closed', 'closed'));
    await clock.advanceAsync(1);
    expect(session.status()).toMatchObject({ state: 'up', resumed: true, keyExpiresAtMs: startMs + dayMs });
  });

  test('a new A-KID is a new authentication: nothing is resumed', async () => {
    keys.aKidNow = 'renewed@realm';
    await clock.advanceAsync(30_000);
    transport.wire.end(new GatewayError('dtls.closed', 'closed'));
    await clock.advanceAsync(1);
    expect(session.status()).toMatchObject({ state: 'up', resumed: false, aKid: 'renewed@realm' });
  });

  test('an answer that belongs to the session before counts for nothing', async () => {
    await clock.advanceAsync(30_000);
    const old = transport.wire;
    let late: (response: CoapResponse) => void = () => {};
    answer = () => new Promise(resolve => (late = resolve));
    const failed = session.post(utf8('MSG')).catch((error: unknown) => error);
    await clock.advanceAsync(1);
    answer = () => changed;
    old.end(new GatewayError('dtls.closed', 'closed'));
    await clock.advanceAsync(1);
    expect(await failed).toMatchObject({ code: expect.stringMatching(/^coap\.(endpoint-lost|stopped)$/) });
    late(changed);
    await clock.advanceAsync(1);
    expect(session.status()).toMatchObject({ state: 'up', resumed: true });
    expect(transport.wire).not.toBe(old);
  });

  test('a listener hears of proofs once a second at most', async () => {
    let heard = 0;
    session.onStatus(() => heard++);
    await clock.advanceAsync(1_000);
    for (let i = 0; i < 50; i++) await Promise.all([session.post(utf8('MSG')), clock.advanceAsync(10)]);
    expect(heard).toBe(1);
  });
});

describe('at the end', () => {
  test('it de-registers, closes and leaves no timer', async () => {
    await up();
    const stopping = session.stop(2_000);
    await expect(session.post(utf8('MSG'))).rejects.toMatchObject({ code: 'session.not-up' });
    await clock.advanceAsync(1);
    await stopping;
    expect(posted).toEqual(['REG', 'DEREG']);
    expect(transport).toMatchObject({ isClosed: true, open: new Set() });
    expect(session.status()).toMatchObject({ state: 'no-key', reason: { code: 'session.stopped' } });
  });

  test('a server that does not answer holds it up no longer than the bound', async () => {
    await up();
    serverIsAway(true);
    let isStopped = false;
    void session.stop(2_000).then(() => (isStopped = true));
    await clock.advanceAsync(1_999);
    expect(isStopped).toBe(false);
    await clock.advanceAsync(1);
    expect(isStopped).toBe(true);
    expect(transport.open.size).toBe(0);
  });

  test('a handshake under way is given up', async () => {
    transport.script.push('hang');
    session.start();
    await clock.advanceAsync(1);
    await session.stop(2_000);
    expect(session.status().state).toBe('no-key');
    expect(posted).toEqual([]);
  });

  test('it may come in the very moment of a failure', async () => {
    await up();
    transport.wire.end(new GatewayError('dtls.closed', 'closed'));
    const unsubscribe = session.onStatus(({ state }) => {
      if (state === 'lost') void session.stop(2_000);
    });
    await clock.advanceAsync(1);
    unsubscribe();
    await session.stop(2_000);
    expect(transport.connected.length).toBe(1);
  });

  test('a wait is given up', async () => {
    keys.aKidNow = undefined;
    session.start();
    await clock.advanceAsync(1);
    await session.stop(2_000);
    expect(clock.pending).toBe(0);
  });

  test('it may be stopped before it was started, twice, and started again', async () => {
    await session.stop(1_000);
    await up();
    const stopping = [session.stop(1_000), session.stop(1_000)];
    await clock.advanceAsync(1);
    await Promise.all(stopping);
    await up();
    expect(posted).toEqual(['REG', 'DEREG', 'REG']);
  });
});
