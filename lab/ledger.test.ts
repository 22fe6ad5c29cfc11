import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { Ledger, type Message } from './ledger.ts';

const ue = { addrType: 'UE', addr: 'ue-gateway-1@example.com' };
const as = { addrType: 'AS', addr: 'as-1@example.com' };
const message: Message = {
  msgId: 'm1',
  oriAddr: ue,
  destAddr: as,
  appId: 'meter',
  payload: '21.5',
  delivStReqInd: true,
};

test('a message ID is processed once, also when its copies arrive together', async () => {
  const ledger = await open();
  const outcomes = await Promise.all([1, 2, 3].map(() => ledger.recordMessage(message)));
  expect(outcomes).toEqual(['processed', 'duplicate', 'duplicate']);
  expect(await ledger.recordMessage({ ...message, payload: 'other' })).toBe('duplicate');
  expect([...ledger.messages.values()]).toEqual([{ ...message, times: 1, arrivals: 4 }]);
  expect(ledger.duplicates).toBe(3);
});

test('two originators may use the same message ID', async () => {
  const ledger = await open();
  await ledger.recordMessage(message);
  expect(await ledger.recordMessage({ ...message, oriAddr: { ...ue, addr: 'other@example.com' } })).toBe('processed');
});

test('message IDs, registrations and reports are known after a restart', async () => {
  const path = file();
  const before = await open(path);
  expect(await before.register(ue.addr)).toBe(true);
  await before.recordMessage(message);
  await before.recordReport({ msgId: 'm2', oriAddr: ue, delivSt: 'REPT_DELY_SUCCESS' });
  await before.close();
  const after = await open(path);
  expect(await after.recordMessage(message)).toBe('duplicate');
  expect(await after.register(ue.addr)).toBe(false);
  expect([...after.reports.values()]).toEqual([{ msgId: 'm2', oriAddr: ue, delivSt: 'REPT_DELY_SUCCESS' }]);
});

test('a delivery report stays due until it was sent', async () => {
  const path = file();
  const before = await open(path);
  await before.recordMessage(message);
  await before.close();
  const after = await open(path);
  const [due] = after.reportsDue;
  await after.reportSent(due);
  await after.close();
  expect((await open(path)).reportsDue.size).toBe(0);
});

test('a de-registered UE Service ID is new again', async () => {
  const ledger = await open();
  await ledger.register(ue.addr);
  await ledger.deregister(ue.addr);
  expect(await ledger.register(ue.addr)).toBe(true);
});

const opened: Ledger[] = [];
afterEach(async () => {
  for (const ledger of opened.splice(0)) await ledger.close();
});

async function open(path = file()): Promise<Ledger> {
  const ledger = await Ledger.open(path);
  opened.push(ledger);
  return ledger;
}

function file(): string {
  return join(mkdtempSync(join(tmpdir(), 'lab-ledger-')), 'messages.log');
}
