import { expect, test } from 'vitest';
import { GatewayError } from '../base/errors.ts';
import { silentLog } from '../base/log.ts';
import { TestClock } from '../base/test-clock.ts';
import { AuditedRefusals, refusalPeriodMs } from './refusals.ts';
import { anEvent, openTestStore } from './test-store.ts';
import type { AuditEvent, Change } from './types.ts';

function refusal(from: string, reason = 'NOT_AUTHORIZED'): AuditEvent {
  return anEvent('device.refused', { actor: 'device:unknown', from, reason, result: 'refused' });
}

function audited() {
  const clock = new TestClock();
  const disk = { events: [] as AuditEvent[], isFull: false };
  const commit = async (change: Change): Promise<void> => {
    if (disk.isFull) throw new GatewayError('store.disk-full', 'full');
    disk.events.push(...change.audit);
  };
  return { clock, disk, refusals: new AuditedRefusals(commit, clock, silentLog) };
}

test('the first refusal is written at once, those of the next minute as one row with their count', async () => {
  const { clock, disk, refusals } = audited();
  for (let i = 0; i < 500; i++) refusals.note(refusal('udp a'));
  expect(disk.events).toEqual([refusal('udp a')]);
  await clock.advanceAsync(refusalPeriodMs);
  expect(disk.events.slice(1)).toEqual([{ ...refusal('udp a'), count: 499 }]);
});

test('a peer that never stops makes one row a minute', async () => {
  const { clock, disk, refusals } = audited();
  for (let second = 0; second < 600; second++) {
    refusals.note(refusal('udp a'));
    await clock.advanceAsync(1_000);
  }
  expect(disk.events.map(event => event.count ?? 1)).toEqual([1, 59, 60, 60, 60, 60, 60, 60, 60, 60, 60]);
});

test('another peer, and another cause of the same peer, have rows of their own', () => {
  const { disk, refusals } = audited();
  refusals.note(refusal('udp a'));
  refusals.note(refusal('udp b'));
  refusals.note(refusal('udp a', 'MALFORMED'));
  expect(disk.events).toHaveLength(3);
});

test('after a quiet minute a refusal is news again, and no timer stays behind', async () => {
  const { clock, disk, refusals } = audited();
  refusals.note(refusal('udp a'));
  await clock.advanceAsync(refusalPeriodMs);
  expect(clock.pending).toBe(0);
  refusals.note(refusal('udp a'));
  expect(disk.events).toEqual([refusal('udp a'), refusal('udp a')]);
});

test('ten thousand made-up addresses take bounded memory, and all of them are counted', async () => {
  const { clock, disk, refusals } = audited();
  for (let i = 0; i < 10_000; i++) refusals.note(refusal(`udp ${i}`));
  expect(disk.events).toHaveLength(1_001);
  await clock.advanceAsync(refusalPeriodMs);
  expect(disk.events.at(-1)).toMatchObject({ actor: 'others', action: 'device.refused' });
  expect(disk.events.reduce((sum, event) => sum + (event.count ?? 1), 0)).toBe(10_000);
});

test('what a full disk did not take is counted into a later row', async () => {
  const { clock, disk, refusals } = audited();
  disk.isFull = true;
  for (let i = 0; i < 3; i++) refusals.note(refusal('udp a'));
  await clock.advanceAsync(refusalPeriodMs);
  disk.isFull = false;
  refusals.note(refusal('udp a'));
  await clock.advanceAsync(refusalPeriodMs);
  expect(disk.events.map(event => event.count)).toEqual([4]);
});

test('after the end nothing is taken any more and no timer stays, even when the disk is full', async () => {
  const { clock, disk, refusals } = audited();
  refusals.note(refusal('udp a'));
  refusals.note(refusal('udp a'));
  disk.isFull = true;
  await refusals.close();
  refusals.note(refusal('udp b'));
  expect(clock.pending).toBe(0);
  expect(disk.events).toHaveLength(1);
});

test('closing the store writes what is gathered', async () => {
  await using disk = await openTestStore();
  for (let i = 0; i < 3; i++) disk.store.refusals.note(refusal('udp a'));
  await using again = await disk.reopen();
  const rows = await again.store.recentAudit(10);
  expect(rows.map(row => JSON.parse(row.body).count ?? 1)).toEqual([2, 1]);
});
