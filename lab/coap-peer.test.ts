import { expect, test } from 'vitest';
import { hex, toHex, utf8 } from '../gateway/base/bytes.ts';
import { GatewayError } from '../gateway/base/errors.ts';
import { seededRandom } from '../gateway/base/random.ts';
import { TestClock, settle } from '../gateway/base/test-clock.ts';
import { CoapPeer, separateAnswerTimeoutMs, type CoapAnswer, type CoapRequest } from './coap-peer.ts';

// RFC 7252: CON POST /msgin5g, MID 0x1001, token 01020304, Content-Format 50, {"msgType":"REG"}
const post = '4402100101020304b76d7367696e35671132ff7b226d736754797065223a22524547227d';

test('answers a POST in its ACK, with the same Message ID and token', async () => {
  const { peer, sent, served } = make({ code: '2.04', body: { result: true } });
  peer.receive(hex(post));
  await settle();
  expect(sent).toEqual(['6444100101020304c132ff7b22726573756c74223a747275657d']);
  expect(served).toEqual([
    { method: 'POST', path: '/msgin5g', contentFormat: 'application/json', payload: Buffer.from('{"msgType":"REG"}') },
  ]);
});

test('a repeated request gets the same answer and is served once', async () => {
  const { peer, sent, served } = make({ code: '2.04', body: { result: true } });
  peer.receive(hex(post));
  peer.receive(hex(post));
  await settle();
  peer.receive(hex(post));
  await settle();
  expect(served).toHaveLength(1);
  expect(sent).toEqual([sent[0], sent[0]]);
});

test('another request under a Message ID that a restarted peer draws again is served', async () => {
  const { peer, served } = make({ code: '2.04' });
  peer.receive(hex(post));
  peer.receive(hex(post.replace('01020304', 'ffffffff')));
  await settle();
  expect(served).toHaveLength(2);
});

test('a ping gets RST', () => {
  const { peer, sent } = make();
  peer.receive(hex('40001234'));
  expect(sent).toEqual(['70001234']);
});

test.each([
  ['nothing', ''],
  ['three octets', '400112'],
  ['another version', '80011234'],
  ['an option of length 15', '40011234bf'],
])('%s is ignored', async (_name, octets) => {
  const { peer, sent, served } = make();
  peer.receive(hex(octets));
  await settle();
  expect([sent, served]).toEqual([[], []]);
});

test('nothing that comes makes it throw, and it still answers', async () => {
  const { peer, served } = make();
  const random = seededRandom(7252);
  const whole = hex(post);
  for (let round = 0; round < 3_000; round++) {
    const datagram = Uint8Array.from(whole.subarray(0, 1 + Math.floor(random() * whole.length)));
    for (let change = 0; change < 3; change++)
      datagram[Math.floor(random() * datagram.length)] = Math.floor(random() * 256);
    expect(() => peer.receive(datagram)).not.toThrow();
  }
  await settle();
  const before = served.length;
  peer.receive(hex(post.replace('1001', '2002')));
  expect(served).toHaveLength(before + 1);
});

test('two peers POST to each other at the same time', async () => {
  const { a, b } = pair();
  const answers = await Promise.all([a.post('/msgin5g', { to: 'b' }), b.post('/msgin5g', { to: 'a' })]);
  expect(answers).toEqual([
    { code: '2.04', body: { to: 'b' } },
    { code: '2.04', body: { to: 'a' } },
  ]);
});

test('one request is outstanding at a time', async () => {
  const { peer, sent } = make();
  const first = peer.post('/msgin5g', { n: 1 });
  const second = peer.post('/msgin5g', { n: 2 });
  await settle();
  expect(sent).toHaveLength(1);
  peer.receive(answerTo(sent[0], '6444'));
  await first;
  await settle();
  expect(sent).toHaveLength(2);
  peer.receive(answerTo(sent[1], '6444'));
  await second;
});

test('an empty ACK is no answer; the separate response is, is acknowledged, and acknowledged again when repeated', async () => {
  const { peer, sent } = make();
  const answer = peer.post('/msgin5g', {});
  await settle();
  peer.receive(hex(`6000${messageIdOf(sent[0])}`));
  const separate = hex(`48447777${tokenOf(sent[0])}c132ff${toHex(utf8('{"result":true}'))}`);
  peer.receive(separate);
  expect(await answer).toEqual({ code: '2.04', body: { result: true } });
  peer.receive(separate);
  expect(sent.slice(1)).toEqual(['60007777', '60007777']);
});

test('an empty ACK and then silence ends after 30 s', async () => {
  const { peer, sent, clock } = make();
  const answer = peer.post('/msgin5g', {});
  await settle();
  peer.receive(hex(`6000${messageIdOf(sent[0])}`));
  clock.advance(separateAnswerTimeoutMs);
  await expect(answer).rejects.toMatchObject({ code: 'lab.no-answer', message: expect.stringContaining('empty ACK') });
});

// RFC 7252 §4.8.2: MAX_TRANSMIT_WAIT is 93 s.
test('no ACK at all ends after MAX_TRANSMIT_WAIT', async () => {
  const { peer, clock } = make();
  const answer = peer.post('/msgin5g', {});
  await settle();
  clock.advance(92_999);
  expect(clock.pending).toBe(1);
  clock.advance(1);
  await expect(answer).rejects.toMatchObject({ code: 'lab.no-answer', message: expect.stringContaining('93 s') });
});

test('RST to a request rejects it', async () => {
  const { peer, sent } = make();
  const answer = peer.post('/msgin5g', {});
  await settle();
  peer.receive(hex(`7000${messageIdOf(sent[0])}`));
  await expect(answer).rejects.toMatchObject({ code: 'lab.reset' });
});

test('closing rejects what is outstanding and what waits, and leaves no timer', async () => {
  const { peer, clock, sent } = make();
  const answers = [peer.post('/msgin5g', { n: 1 }), peer.post('/msgin5g', { n: 2 })];
  const outcomes = Promise.allSettled(answers);
  await settle();
  peer.close(new GatewayError('lab.session-lost', 'gone'));
  for (const outcome of await outcomes) expect(outcome).toMatchObject({ reason: { code: 'lab.session-lost' } });
  peer.receive(hex(post));
  expect(clock.pending).toBe(0);
  expect(sent).toHaveLength(1);
});

function make(answer: CoapAnswer = { code: '2.04' }) {
  const clock = new TestClock();
  const sent: string[] = [];
  const served: CoapRequest[] = [];
  const peer = new CoapPeer({
    clock,
    send: datagram => void sent.push(toHex(datagram)),
    serve: async request => {
      served.push(request);
      return answer;
    },
  });
  return { peer, clock, sent, served };
}

/** Two peers back to back; each answers with what it was sent. */
function pair() {
  const clock = new TestClock();
  const echo = async ({ payload }: CoapRequest): Promise<CoapAnswer> => ({
    code: '2.04',
    body: JSON.parse(Buffer.from(payload).toString()),
  });
  const a: CoapPeer = new CoapPeer({ clock, serve: echo, send: datagram => setImmediate(() => b.receive(datagram)) });
  const b: CoapPeer = new CoapPeer({ clock, serve: echo, send: datagram => setImmediate(() => a.receive(datagram)) });
  return { a, b };
}

const messageIdOf = (wire: string): string => wire.slice(4, 8);

/** node-coap's tokens have 8 octets. */
const tokenOf = (wire: string): string => wire.slice(8, 24);

function answerTo(wire: string, head: string): Uint8Array {
  return hex(`${head.replace('64', '68')}${messageIdOf(wire)}${tokenOf(wire)}`);
}
