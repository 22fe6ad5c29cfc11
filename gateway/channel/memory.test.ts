import { expect, test } from 'vitest';
import { fromUtf8, toHex, utf8 } from '../base/bytes.ts';
import type { GatewayError } from '../base/errors.ts';
import { seededRandom } from '../base/random.ts';
import { TestClock } from '../base/test-clock.ts';
import type { Endpoint } from './channel.ts';
import { createMemoryHub, type Faults, type MemoryChannel } from './memory.ts';

interface Line {
  readonly clock: TestClock;
  readonly a: MemoryChannel;
  readonly b: MemoryChannel;
  /** What b heard, each with its time. */
  readonly heard: { text: string | undefined; from: Endpoint; atMs: number }[];
}

function line(faults: Partial<Faults> = {}, seed = 1): Line {
  const clock = new TestClock();
  const hub = createMemoryHub({ clock, random: seededRandom(seed), faults });
  const [a, b] = [hub.channel('a'), hub.channel('b', { maxDatagramBytes: 5 })];
  const heard: Line['heard'] = [];
  void a.open({ onDatagram: () => {} });
  void b.open({
    onDatagram: (octets, from) => heard.push({ text: fromUtf8(octets), from, atMs: clock.monotonicMs() }),
  });
  return { clock, a, b, heard };
}

/** Sends 0, 1, 2 and so on, a millisecond apart, and gives what arrived. */
function sendMany({ clock, a, heard }: Line, count: number): (string | undefined)[] {
  for (let i = 0; i < count; i++) {
    a.send(utf8(`${i}`), a.endpointFor('b'));
    clock.advance(1);
  }
  clock.advance(10_000);
  return heard.map(({ text }) => text);
}

test('a datagram arrives after the delay, from the endpoint of its sender', () => {
  const { clock, a, b, heard } = line({ delayMs: 30 });
  a.send(utf8('x'), a.endpointFor('b'));
  clock.advance(100);
  expect(heard).toEqual([{ text: 'x', from: b.endpointFor('a'), atMs: 30 }]);
});

test('the octets are copied: the sender may change its own afterwards', () => {
  const { clock, a, heard } = line();
  const octets = utf8('x');
  a.send(octets, a.endpointFor('b'));
  octets[0] = 0;
  clock.advance(1);
  expect(heard[0].text).toBe('x');
});

test('loss, repetition and reordering happen as often as asked, and the same again with the same seed', () => {
  const lost = sendMany(line({ loss: 0.3 }), 1_000);
  expect(lost.length).toBeGreaterThan(600);
  expect(lost.length).toBeLessThan(800);
  expect(sendMany(line({ loss: 0.3 }), 1_000)).toEqual(lost);
  expect(sendMany(line({ loss: 0.3 }, 2), 1_000)).not.toEqual(lost);

  const repeated = sendMany(line({ repetition: 0.1 }), 1_000);
  expect(repeated.length).toBeGreaterThan(1_050);
  expect(new Set(repeated).size).toBe(1_000);

  const reordered = sendMany(line({ reordering: 0.1, reorderByMs: 5 }), 1_000);
  expect(reordered).not.toEqual([...reordered].sort((x, y) => Number(x) - Number(y)));
  expect(new Set(reordered).size).toBe(1_000);
});

test('corruption changes one octet', () => {
  const { clock, a, heard } = line({ corruption: 1 });
  a.send(utf8('aaaa'), a.endpointFor('b'));
  clock.advance(1);
  const { text } = heard[0];
  expect(text).not.toBe('aaaa');
});

test('a predicate decides what is lost, and sees everything that is sent', () => {
  let copies = 0;
  const { clock, a, heard } = line({
    drops: ({ from, octets }) => from === 'a' && toHex(octets) === '78' && copies++ === 0,
  });
  for (let i = 0; i < 2; i++) a.send(utf8('x'), a.endpointFor('b'));
  clock.advance(1);
  expect(heard).toHaveLength(1);
});

test('what is too large, sent to nobody, or sent when closed is dropped and counted', async () => {
  const { clock, a, b, heard } = line();
  b.send(utf8('123456'), b.endpointFor('a'));
  expect(b.counters).toMatchObject({ oversized: 1, datagramsOut: 0 });
  b.send(utf8('x'), a.endpointFor('b'));
  await a.close();
  a.send(utf8('x'), a.endpointFor('b'));
  clock.advance(10);
  expect([a.counters.sendErrors, b.counters.sendErrors, heard.length]).toEqual([1, 1, 0]);
});

test('a renewed endpoint is another object, and what is sent to the one before is dropped', () => {
  const { clock, a, b, heard } = line();
  const before = a.endpointFor('b');
  const after = a.renew('b');
  expect(after).not.toBe(before);
  expect(after.key).not.toBe(before.key);
  a.send(utf8('old'), before);
  a.send(utf8('new'), after);
  clock.advance(1);
  expect(heard.map(({ text }) => text)).toEqual(['new']);
  expect(b.endpointFor('a')).toBe(heard[0].from);
});

test('a receiver is told of a lost endpoint, and of the end of the channel', async () => {
  const clock = new TestClock();
  const hub = createMemoryHub({ clock, random: seededRandom(1) });
  const channel = hub.channel('x');
  const told: string[] = [];
  await channel.open({
    onDatagram: () => {},
    onEndpointLost: (endpoint, reason: GatewayError) =>
      told.push(`${endpoint === channel.endpointFor('y')} ${reason.code}`),
    onClosed: reason => told.push(reason.code),
  });
  channel.lose('y');
  channel.fail();
  channel.fail();
  expect(told).toEqual(['true channel.refused', 'channel.gone']);
});
