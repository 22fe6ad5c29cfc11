import { describe, expect, test } from 'vitest';
import { hostRule, isAllowedHost, isSameOrigin } from './http-guard.ts';

describe('on 127.0.0.1', () => {
  const rule = hostRule('127.0.0.1', ['gw.site.example']);
  test.each([
    '127.0.0.1:7420',
    '127.0.0.1',
    'localhost:7420',
    'LOCALHOST',
    '[::1]:7420',
    'gw.site.example',
    'GW.site.example:80',
  ])('%s is us', host => expect(isAllowedHost(rule, host)).toBe(true));
  test.each([
    undefined,
    '',
    ':7420',
    'evil.example:7420',
    '127.0.0.1.evil.example',
    '10.0.0.7:7420',
    'localhost.evil.example',
    '[::1',
  ])('%s is not', host => expect(isAllowedHost(rule, host)).toBe(false));
});

test('listening everywhere, any address is us and any other name is not', () => {
  const rule = hostRule('0.0.0.0', []);
  for (const host of ['10.0.0.7:7420', '[fd00::7]:7420', 'localhost']) expect(isAllowedHost(rule, host)).toBe(true);
  for (const host of ['evil.example:7420', '10.0.0.7.evil.example']) expect(isAllowedHost(rule, host)).toBe(false);
});

test('a page is from here when host and port are', () => {
  expect(isSameOrigin('http://127.0.0.1:7420', '127.0.0.1:7420')).toBe(true);
  expect(isSameOrigin('https://gw.site.example', 'gw.site.example')).toBe(true);
  expect(isSameOrigin('http://gw.site.example', 'gw.site.example:80')).toBe(true);
  for (const origin of [
    'null',
    '',
    'http://127.0.0.1:7421',
    'http://localhost:7420',
    'http://evil.example',
    'file://',
  ]) {
    expect(isSameOrigin(origin, '127.0.0.1:7420')).toBe(false);
  }
});
