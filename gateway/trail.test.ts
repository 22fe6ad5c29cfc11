import { expect, test } from 'vitest';
import { GatewayError } from './base/errors.ts';
import { silentLog } from './base/log.ts';
import { TestClock, settle } from './base/test-clock.ts';
import type { Link, LinkStatus } from './link/link.ts';
import type { Session, SessionStatus } from './session/types.ts';
import type { AuditEvent, Change } from './store/types.ts';
import { Trail } from './trail.ts';

function make() {
  const rows: AuditEvent[] = [];
  const store = {
    commit: async (change: Change) => {
      rows.push(...change.audit);
      return { applied: true, changed: true, rowId: 0 };
    },
  };
  return { rows, trail: new Trail(store, new TestClock(), silentLog) };
}

/** A thing with a status that a test sets. */
function watched<Status>(first: Status) {
  let now = first;
  let listener: (status: Status) => void = () => {};
  return {
    status: () => now,
    onStatus: (heard: (status: Status) => void) => {
      listener = heard;
      return () => {};
    },
    become(next: Partial<Status>) {
      now = { ...now, ...next };
      listener(now);
    },
  };
}

const brief = (rows: readonly AuditEvent[]): string[] =>
  rows.map(row => `${row.action} ${row.result} ${row.reason ?? ''}`.trim());

test('the session writes a row when it comes up and when it goes, and none on the way', async () => {
  const { rows, trail } = make();
  const session = watched<SessionStatus>({ state: 'no-key', sinceMs: 0, server: 's:1', attempts: 0 });
  trail.followSession(session as unknown as Session);
  session.become({ state: 'keyed' });
  session.become({ state: 'handshaking' });
  session.become({ state: 'up', aKid: 'rid0', suite: 0xc0a8, resumed: false });
  session.become({ state: 'up', roundTripMs: 3 });
  session.become({ state: 'lost', reason: { code: 'coap.no-answer', message: 'silent' } });
  await settle();
  expect(brief(rows)).toEqual(['session.up ok', 'session.lost failed coap.no-answer']);
  expect(rows[0].after).toEqual({ server: 's:1', aKid: 'rid0', suite: 0xc0a8, resumed: false });
});

test('a refusal that stays the same is one row, however often it is tried', async () => {
  const { rows, trail } = make();
  const session = watched<SessionStatus>({ state: 'handshaking', sinceMs: 0, server: 's:1', attempts: 0 });
  trail.followSession(session as unknown as Session);
  const refused = { state: 'lost', reason: { code: 'akma.refused', message: 'no' } } as const;
  for (let i = 0; i < 5; i++) {
    session.become(refused);
    session.become({ state: 'handshaking' });
  }
  await settle();
  expect(brief(rows)).toEqual(['session.refused failed akma.refused']);
});

test('a stop of our own is no failure', async () => {
  const { rows, trail } = make();
  const session = watched<SessionStatus>({ state: 'up', sinceMs: 0, server: 's:1', attempts: 0 });
  trail.followSession(session as unknown as Session);
  session.become({ state: 'no-key', reason: { code: 'session.stopped', message: 'stopped' } });
  await settle();
  expect(brief(rows)).toEqual(['session.closed ok session.stopped']);
});

test('a link writes a row when it opens and when it is lost', async () => {
  const { rows, trail } = make();
  const link = watched<LinkStatus>({
    id: 'meters',
    kind: 'serial',
    state: 'closed',
    sinceMs: 0,
    where: '/dev/x',
    counters: {},
  });
  trail.followLink({ id: 'meters', ...link } as unknown as Link);
  link.become({ state: 'opening' });
  link.become({ state: 'open' });
  link.become({ state: 'opening', reason: { code: 'link.serial-lost', message: 'unplugged' } });
  await settle();
  expect(brief(rows)).toEqual(['link.opened ok', 'link.lost failed link.serial-lost']);
  expect(rows.every(row => row.object === 'link:meters')).toBe(true);
});

test('a link that cannot be opened writes why, once for each reason', async () => {
  const { rows, trail } = make();
  const link = watched<LinkStatus>({
    id: 'udp',
    kind: 'udp',
    state: 'closed',
    sinceMs: 0,
    where: '127.0.0.1:5683',
    counters: {},
  });
  trail.followLink({ id: 'udp', ...link } as unknown as Link);
  for (let i = 0; i < 3; i++) {
    link.become({ state: 'opening' });
    link.become({ state: 'closed', reason: { code: 'channel.port-taken', message: 'taken' } });
  }
  link.become({ state: 'open', reason: undefined });
  await settle();
  expect(brief(rows)).toEqual(['link.lost failed channel.port-taken', 'link.opened ok']);
});

test('a row that cannot be written is told to the log and stops nothing', async () => {
  const told: string[] = [];
  const log = { ...silentLog, error: (message: string) => void told.push(message) };
  const store = { commit: () => Promise.reject(new GatewayError('store.disk-full', 'full')) };
  await new Trail(store, new TestClock(), log).write({ action: 'gateway.started', object: 'gateway', result: 'ok' });
  expect(told).toEqual(['an audit row could not be written']);
});
