import { describe, expect, test } from 'vitest';
import { hex } from '../base/bytes.ts';
import { Tokens } from './tokens.ts';

describe('tokens', () => {
  const secured = { key: 's', security: { protocol: 'DTLS 1.2', suite: 0xc0a8, identity: 'x' } } as const;
  const open = { key: 'o' };

  test('on a security session count up and never come again', () => {
    const tokens = new Tokens<{ tokenOctets: Uint8Array }>(() => 0);
    const seen = Array.from({ length: 70_000 }, () => tokens.next(secured));
    expect(seen.slice(0, 2)).toEqual([hex('0001'), hex('0002')]);
    expect(seen.at(-1)).toEqual(hex('00011170'));
    expect(new Set(seen.map(token => token.join())).size).toBe(70_000);
  });

  test('without security are four random octets', () => {
    const tokens = new Tokens<{ tokenOctets: Uint8Array }>(() => 0.5);
    expect(tokens.next(open)).toEqual(hex('80000000'));
  });

  test('are different from every open one', () => {
    const tokens = new Tokens<{ tokenOctets: Uint8Array }>(() => 0.5);
    const holder = { tokenOctets: tokens.next(open) };
    tokens.set(holder);
    expect(tokens.next(open)).toEqual(hex('80000001'));
  });

  test('are told apart by length as well', () => {
    const tokens = new Tokens<{ tokenOctets: Uint8Array }>(() => 0);
    const holder = { tokenOctets: hex('0001') };
    tokens.set(holder);
    expect(tokens.get(hex('0001'))).toBe(holder);
    expect(tokens.get(hex('01'))).toBeUndefined();
    expect(tokens.get(hex('00000001'))).toBeUndefined();
    tokens.delete(holder);
    expect(tokens.size).toBe(0);
  });
});
