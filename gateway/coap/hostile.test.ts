import { expect, test } from 'vitest';
import { toHex, utf8 } from '../base/bytes.ts';
import { seededRandom } from '../base/random.ts';
import { status } from './codes.ts';
import { createTestWorld } from './test-peers.ts';
import type { CoapResponse } from './types.ts';

const silence: readonly string[] = [];
const echo = { code: status.content, options: [], payload: utf8('ok') };

/** Literal datagrams, and what RFC 7252 has an endpoint do. Each goes to an endpoint that has seen nothing before. */
function hostileDatagrams(): [why: string, octets: string, answer: readonly string[] | RegExp][] {
  const all: [string, string, readonly string[] | RegExp][] = [];
  const add = (why: string, octets: string, answer: readonly string[] | RegExp): void => {
    all.push([why, octets.replaceAll(' ', ''), answer]);
  };

  // §3: no header, no Message ID to answer with.
  for (const octets of ['', '40', '4002', '400210', '50', '7000ff'])
    add(`${octets.length / 2} octets`, octets, silence);

  // §3: other versions are ignored in silence, whatever the type and the rest.
  for (const version of [0, 2, 3]) {
    for (const type of [0, 1, 2, 3]) {
      const first = ((version << 6) | (type << 4)).toString(16).padStart(2, '0');
      add(`version ${version}, type ${type}, a request`, `${first}02 1001`, silence);
      add(`version ${version}, type ${type}, empty`, `${first}00 1001`, silence);
      add(`version ${version}, type ${type}, malformed`, `${first}02 1001 ff`, silence);
    }
  }

  // §3, §4.2, §4.3: a format error is rejected with a Reset when it is CON, in silence otherwise.
  const malformed: [string, string][] = [];
  for (let tokenLength = 9; tokenLength <= 15; tokenLength++) {
    malformed.push([`token length ${tokenLength}`, `${tokenLength.toString(16)}02 1001 ${'01'.repeat(tokenLength)}`]);
  }
  for (let tokenLength = 1; tokenLength <= 8; tokenLength++) {
    malformed.push([`token of ${tokenLength} cut short`, `${tokenLength}02 1001 ${'01'.repeat(tokenLength - 1)}`]);
    malformed.push([`empty with a token of ${tokenLength}`, `${tokenLength}00 1001 ${'01'.repeat(tokenLength)}`]);
  }
  malformed.push(
    ['empty with a payload', '000 1001 ff 61'],
    ['empty with a marker', '000 1001 ff'],
    ['empty with an option', '000 1001 b161'],
    ['marker without payload', '002 1001 ff'],
    ['marker without payload after a token', '202 1001 0102 ff'],
    ['marker without payload after an option', '002 1001 b161 ff'],
    ['option delta 15', '002 1001 f0'],
    ['option delta 15 with length', '002 1001 f161'],
    ['option length 15', '002 1001 bf'],
    ['option length 15 with octets', '002 1001 0f61616161616161616161616161616161'],
    ['delta 13 without its octet', '002 1001 d0'],
    ['delta 14 without its octets', '002 1001 e0'],
    ['delta 14 with one octet', '002 1001 e0 00'],
    ['length 13 without its octet', '002 1001 0d'],
    ['length 14 without its octets', '002 1001 0e'],
    ['length 14 with one octet', '002 1001 0e 00'],
    ['delta 13, length 13, one octet', '002 1001 dd 00'],
    ['delta 14, length 14, three octets', '002 1001 ee 000000'],
    ['length 13 beyond the end', '002 1001 bd 00 616161'],
    ['length 14 beyond the end', '002 1001 be 0000 616161'],
    ['the longest length, nothing there', '002 1001 be ffff'],
    ['option number 65536', '002 1001 e0 fef3'],
    ['the highest delta', '002 1001 e0 ffff'],
    ['numbers beyond 65535 in two steps', '002 1001 e0 fef2 10'],
    ['the second option cut short', '002 1001 b161 b461'],
    ['an option cut short behind a token', '402 1001 01020304 b461'],
  );
  for (let length = 1; length <= 12; length++) {
    malformed.push([`value of ${length} cut short`, `002 1001 b${length.toString(16)} ${'61'.repeat(length - 1)}`]);
  }
  // §4.2: classes 1, 6 and 7 are reserved.
  for (const code of ['20', '21', '3f', 'c0', 'c1', 'df', 'e0', 'e1', 'e2', 'e5', 'ff']) {
    malformed.push(
      [`reserved code 0x${code}`, `0${code} 1001`],
      [`reserved code 0x${code} with more`, `0${code} 1001 ff61`],
    );
  }
  for (const [why, rest] of malformed) {
    add(`CON: ${why}`, `4${rest}`, ['70001001']);
    for (const [type, name] of ['NON', 'ACK', 'RST'].entries()) add(`${name}: ${why}`, `${type + 5}${rest}`, silence);
  }

  // §4.2: an ACK or a Reset never carries a request, and a Reset is empty.
  for (const code of ['01', '02', '03', '04', '1f']) {
    add(`a request 0x${code} in an ACK`, `60${code} 1001`, silence);
    add(`a request 0x${code} in a Reset`, `70${code} 1001`, silence);
  }
  for (const code of ['41', '44', '84', 'a0']) add(`a response 0x${code} in a Reset`, `70${code} 1001`, silence);

  // §4.1, §4.3: empty messages.
  add('a ping', '4000 1001', ['70001001']);
  add('an empty NON', '5000 1001', silence);
  add('an ACK of nothing', '6000 1001', silence);
  add('a Reset of nothing', '7000 1001', silence);

  // §5.3.2: responses to nothing.
  for (const code of ['40', '41', '45', '5f', '60', '80', '9f', 'a0', 'bf']) {
    add(`an unasked CON response 0x${code}`, `44${code} 1001 01020304`, ['70001001']);
    add(`an unasked NON response 0x${code}`, `54${code} 1001 01020304`, silence);
    add(`an unasked ACK response 0x${code}`, `64${code} 1001 01020304`, silence);
  }

  // §5.4.1, §5.4.3, §5.4.5: critical options that are unknown, of a wrong length, or repeated.
  const badOptions: [string, string][] = [
    ['option 9', '90'],
    ['option 13', 'd0 00'],
    ['option 65001', 'e0 fcdc'],
    ['option 65535', 'e0 fef2'],
    ['If-Match', '11 61'],
    ['If-None-Match', '50'],
    ['Block1', 'd1 0e 08'],
    ['Block2', 'd1 0a 06'],
    ['Uri-Host without octets', '30'],
    ['Uri-Host of 256 octets', `3d f3 ${'61'.repeat(256)}`],
    ['Uri-Host twice', '3161 0161'],
    ['Uri-Port of 3 octets', '73 000001'],
    ['Uri-Port twice', '7101 0101'],
    ['Uri-Path of 256 octets', `bd f3 ${'61'.repeat(256)}`],
    ['Uri-Query of 256 octets', `dd 02f3 ${'61'.repeat(256)}`],
    ['Accept of 3 octets', 'd3 04 000032'],
    ['Accept twice', 'd1 04 32 01 32'],
    ['an unknown one behind good ones', 'b161 1132 d1fe 00'],
  ];
  for (const [why, options] of badOptions) {
    add(`CON with ${why}`, `4402 1001 01020304 ${options}`, /^6482100101020304ff/);
    add(`NON with ${why}`, `5402 1001 01020304 ${options}`, silence);
  }

  // §5.4.1: elective ones are ignored, and the request is served.
  const ignored: [string, string][] = [
    ['option 65000', 'e0 fcdb'],
    ['option 10', 'a0'],
    ['Content-Format of 3 octets', 'c3 000032'],
    ['Content-Format twice', 'c132 0132'],
    ['Max-Age of 5 octets', 'd5 01 0000000001'],
    ['ETag of 9 octets', '49 010203040506070809'],
    ['Size1 of 5 octets', 'd5 2f 0000000001'],
    ['Observe of 4 octets', '64 00000000'],
    ['Hop-Limit without octets', 'd0 03'],
  ];
  for (const [why, options] of ignored)
    add(`CON with ${why}`, `4402 1001 01020304 ${options}`, ['6445100101020304ff6f6b']);

  // §5.8: methods nobody knows.
  for (const code of ['05', '06', '07', '08', '1f']) add(`method 0x${code}`, `40${code} 1001`, ['60851001']);

  // Odd, and yet right.
  add('the shortest request', '4001 1001', ['60451001ff6f6b']);
  add('a token of 8 octets', '4801 1001 0102030405060708', ['684510010102030405060708ff6f6b']);
  add('option number 0', '4001 1001 00', ['60451001ff6f6b']);
  add('an empty Uri-Path', '4001 1001 b0', ['60451001ff6f6b']);
  add('a hundred empty Uri-Path segments', `4001 1001 b0 ${'00'.repeat(99)}`, ['60451001ff6f6b']);
  add('a Uri-Path that is not UTF-8', '4001 1001 b2 c328', ['60451001ff6f6b']);
  add('a payload of 0xff only', '4002 1001 ff ffff', ['60451001ff6f6b']);
  add('Message ID 0', '4001 0000', ['60450000ff6f6b']);
  add('Message ID 65535', '4001 ffff', ['6045ffffff6f6b']);
  return all;
}

const datagrams = hostileDatagrams();

test('there are a few hundred hostile datagrams', () => expect(datagrams.length).toBeGreaterThan(300));

test.each(datagrams)('%s: %s', async (_why, octets, answer) => {
  const { endpoint, peer } = await createTestWorld({ handler: () => echo });
  const heard = await peer.say(octets);
  if (answer instanceof RegExp) expect(heard).toEqual([expect.stringMatching(answer)]);
  else expect(heard).toEqual(answer);
  // And the endpoint serves the next one.
  expect(await peer.say('4001 5555')).toEqual(['60455555ff6f6b']);
  await endpoint.stop();
});

test('every format error is told to who asked for it, with its place', async () => {
  const told: string[] = [];
  const { peer } = await createTestWorld({
    handler: () => echo,
    onMalformed: (from, fault) => void told.push(`${from === peer.endpoint} ${fault.offset} ${fault.reason}`),
  });
  for (const octets of ['4901 0001', '40e1 0001', '5000 0001', '60']) await peer.say(octets);
  expect(told).toEqual([
    'true 0 token length 9',
    'true 1 reserved code class 7',
    'true 1 empty Non-confirmable message',
    'true 1 shorter than the header of 4 octets',
  ]);
});

test.each([1, 2, 3])('random octets stop nothing, and everything is counted (seed %i)', async seed => {
  const random = seededRandom(seed);
  const responses: CoapResponse[] = [echo, { ...echo, payload: new Uint8Array(2_000) }];
  const { clock, endpoint, channel, peer } = await createTestWorld({
    seed,
    parameters: { maxRemembered: 500, maxEndpoints: 20, exchangeLifetimeMs: 60_000 },
    handler: async request => {
      if (random() < 0.4) throw new Error('broken');
      if (random() < 0.2) await new Promise<void>(done => clock.after(random() * 3_000, done));
      return responses[request.payload.length % 10 === 9 ? 1 : 0];
    },
  });
  for (let i = 0; i < 3_000; i++) {
    const octets = Uint8Array.from({ length: Math.floor(random() * 40) }, () => Math.floor(random() * 256));
    // Half of them look like CoAP, or nearly every one would be of another version.
    if (octets.length > 4 && random() < 0.5) {
      octets[0] = 0x40 | (octets[0] & 0x33);
      octets[1] = [0x00, 0x01, 0x02, 0x45, 0x84][octets[1] % 5];
    }
    channel.inject(octets, `forger ${Math.floor(random() * 40)}`);
    if (i % 20 === 0) await clock.advanceAsync(Math.floor(random() * 500));
  }
  await clock.advanceAsync(200_000);
  const { formatErrors, requestsIn, unmatched, badOptions, handlerErrors, resetsOut } = endpoint.counters;
  const counts = { formatErrors, requestsIn, unmatched, badOptions, handlerErrors, resetsOut };
  for (const [name, count] of Object.entries(counts)) expect(count, name).toBeGreaterThan(0);
  let answer: string[] = [];
  for (let mid = 0x7700; answer.length === 0; mid++) {
    await peer.say(`4001 ${toHex(Uint8Array.of(mid >> 8, mid))}`);
    answer = await peer.heard(4_000);
  }
  expect(answer[0]).toMatch(/^60(45|a0|00)77/);
  await endpoint.stop();
  await clock.advanceAsync(10_000);
  expect(clock.pending).toBe(0);
});
