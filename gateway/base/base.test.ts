import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { fromUtf8, hex, toHex } from './bytes.ts';
import { GatewayError, codeOf } from './errors.ts';
import { splitHostPort } from './host-port.ts';
import { createLog, errorFacts } from './log.ts';
import { seededRandom, systemRandom } from './random.ts';
import { Secret } from './secret.ts';
import { TestClock } from './test-clock.ts';

test('a secret shows its length and nothing else', () => {
  const secret = new Secret(hex('00112233'));
  const shown = [JSON.stringify({ secret }), `${secret}`, inspect({ secret }, { depth: 5, showHidden: true })];
  for (const text of shown) expect(text).toContain('‹4 octets›');
  for (const text of shown) expect(text).not.toMatch(/0011|0, 17|11, 22/);
  expect(toHex(secret.reveal())).toBe('00112233');
});

test('hexadecimal text is taken with spaces and refused when it is not', () => {
  expect([...hex('40 01 7d34')]).toEqual([0x40, 0x01, 0x7d, 0x34]);
  expect(() => hex('4')).toThrow(RangeError);
  expect(() => hex('zz')).toThrow(RangeError);
});

test('octets that are not UTF-8 are not text', () => {
  expect(fromUtf8(hex('c3a9'))).toBe('é');
  expect(fromUtf8(hex('c328'))).toBeUndefined();
});

test('the code of an error survives whatever was thrown', () => {
  expect(codeOf(new GatewayError('link.serial-busy', 'x'))).toBe('link.serial-busy');
  expect(codeOf(Object.assign(new Error('x'), { code: 'EADDRINUSE' }))).toBe('EADDRINUSE');
  expect(codeOf(undefined)).toBe('internal');
  expect(codeOf('text')).toBe('internal');
});

test('a log line carries its facts, the hint of an error among them', () => {
  const lines: string[] = [];
  const log = createLog('info', { write: line => void lines.push(line) });
  log.child({ link: 'udp' }).warn('refused', errorFacts(new GatewayError('a.b', 'the sentence', { hint: 'do this' })));
  log.debug('not shown');
  expect(lines.map(line => JSON.parse(line))).toEqual([
    expect.objectContaining({ link: 'udp', msg: 'refused', code: 'a.b', reason: 'the sentence', hint: 'do this' }),
  ]);
});

test('a seed gives the same numbers again, and another seed others', () => {
  const draw = (seed: number): number[] => Array.from({ length: 5 }, seededRandom(seed));
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
  for (const number of draw(3)) expect(number >= 0 && number < 1).toBe(true);
});

test('chance of the system stays in [0, 1) and does not repeat itself', () => {
  const numbers = Array.from({ length: 5_000 }, systemRandom);
  expect(numbers.every(number => number >= 0 && number < 1)).toBe(true);
  // 5 000 of 2^32: one pair alike is expected in 340 such draws, ten never.
  expect(new Set(numbers).size).toBeGreaterThan(4_990);
});

test('timers of the test clock fire in order, and those that they set as well', async () => {
  const clock = new TestClock();
  const fired: string[] = [];
  clock.after(20, () => fired.push('b'));
  clock.after(10, () => {
    fired.push('a');
    clock.after(5, () => fired.push('a+5'));
  });
  const cancel = clock.after(12, () => fired.push('never'));
  cancel();
  cancel();
  await clock.advanceAsync(19);
  expect(fired).toEqual(['a', 'a+5']);
  clock.advance(1);
  expect(fired).toEqual(['a', 'a+5', 'b']);
  expect(clock.pending).toBe(0);
  expect(clock.monotonicMs()).toBe(20);
});

test.each([
  ['127.0.0.1:5683', '127.0.0.1', 5683],
  ['[::1]:0', '::1', 0],
  ['gateway.example:80', 'gateway.example', 80],
])('%s is taken apart', (text, host, port) => expect(splitHostPort(text)).toEqual({ host, port }));
