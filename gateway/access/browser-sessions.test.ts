import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { BrowserSessions } from './browser-sessions.ts';

test('a token is 256 bits, fits into a URL, and no two are alike', () => {
  const sessions = new BrowserSessions();
  const token = sessions.newToken();
  expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(sessions.newToken()).not.toBe(token);
});

test('a token buys one session, once', () => {
  const sessions = new BrowserSessions();
  const token = sessions.newToken();
  const sessionId = sessions.spend(token);
  expect(sessionId).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(sessions.isSignedIn(sessionId)).toBe(true);
  expect(sessions.spend(token)).toBeUndefined();
  expect(sessions.isSignedIn(sessionId)).toBe(true);
});

test('what was never given out opens nothing', () => {
  const sessions = new BrowserSessions();
  const token = sessions.newToken();
  expect(sessions.spend('')).toBeUndefined();
  expect(sessions.spend(`${token}x`)).toBeUndefined();
  for (const value of [undefined, '', token, 'x'.repeat(43)]) expect(sessions.isSignedIn(value)).toBe(false);
});

test('the browser signed in longest ago makes room for the 65th', () => {
  const sessions = new BrowserSessions();
  const ids = Array.from({ length: 65 }, () => sessions.spend(sessions.newToken()));
  expect(sessions.isSignedIn(ids[0])).toBe(false);
  expect(sessions.isSignedIn(ids[1])).toBe(true);
  expect(sessions.isSignedIn(ids[64])).toBe(true);
});

test('neither tokens nor session ids are kept, only their hashes', () => {
  let next = 0;
  const sessions = new BrowserSessions(() => new Uint8Array(32).fill(++next));
  const id = sessions.spend(sessions.newToken())!;
  expect(inspect(sessions, { depth: 5, showHidden: true }) + JSON.stringify(sessions)).not.toContain(id);
});
