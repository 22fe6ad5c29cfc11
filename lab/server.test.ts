import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { hex } from '../gateway/base/bytes.ts';
import { systemClock } from '../gateway/base/clock.ts';
import { silentLog } from '../gateway/base/log.ts';
import { Secret } from '../gateway/base/secret.ts';
import { TestClock } from '../gateway/base/test-clock.ts';
import { dtls } from '../native/index.ts';
import { Aanf } from './aanf.ts';
import { Ledger } from './ledger.ts';
import { MsgServer, aKidIn } from './server.ts';
import { TestGateway, type TestGatewaySetup, reading, ue, as } from './test-gateway.ts';

// V1 of test/vectors/akma-vectors.json
const supi = '001010123456789';
const kAkma = hex('331ea0632c0627296e0a424393dd78d301d87892645e750c1fe312a5d0b10204');
const aKid = 'rid0000.LLF042GWKhalxJDZ7f3hPdXyYg4haZGDNH2aTBTKKRA@5gc.mnc001.mcc001.3gppnetwork.org';

/** A bound for what comes by itself, not a measure of it. */
const soon = { timeout: 10_000 };

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const act of undo.splice(0).reverse()) await act();
});

describe('the handshake', () => {
  test.each([
    ['nothing', ''],
    ['a semicolon', ';'],
    ['a full stop', '.'],
  ])('takes an identity with %s between prefix and A-KID, and sends the hint', async (_name, separator) => {
    const { attach } = await make();
    const gateway = attach({ identity: `3GPP-AKMA${separator}${aKid}` });
    expect(await gateway.connect()).toMatchObject({ suite: 0xccac, resumed: false });
    expect(gateway.hints).toEqual(['3GPP-AKMA']);
  });

  test.each([0xccac, 0xc0a8, 0x00a8])('derives K_AF for the suite 0x%x when it is the one offered', async suite => {
    const { attach } = await make();
    expect(await attach({ suites: [suite] }).connect()).toMatchObject({ suite });
  });

  test.each([
    ['an unknown A-KID', { identity: '3GPP-AKMArid0000.other@5gc.mnc001.mcc001.3gppnetwork.org' }],
    ['no prefix', { identity: aKid }],
    ['a prefix in lower case', { identity: `3gpp-akma${aKid}` }],
  ])('is refused with %s', async (_name, wrong) => {
    const { attach, server } = await make();
    await expect(attach(wrong).connect()).rejects.toMatchObject({ code: expect.stringMatching(/^dtls\./) });
    expect(server.sessionCount).toBe(0);
  });

  // RFC 6347 §4.1.2.7: a record that does not authenticate is dropped, so a wrong key shows as silence.
  test('never opens with another K_AKMA', async () => {
    const { attach, server } = await make();
    const gateway = attach({ kAkma: hex('00'.repeat(32)) });
    const outcome = await Promise.race([gateway.connect().catch(() => 'refused'), pause(500, 'silence')]);
    expect(outcome).toMatch(/silence|refused/);
    expect([gateway.isOpen, server.sessionCount]).toEqual([false, 0]);
  });

  test('is refused while the server refuses keys, resumption included, and taken again afterwards', async () => {
    const { attach, server } = await make();
    const first = attach();
    await first.connect();
    const resume = first.exportSession();
    server.refusePsk(true);
    await expect(attach({ resume }).connect()).rejects.toMatchObject({ code: expect.stringMatching(/^dtls\./) });
    server.refusePsk(false);
    expect(await attach().connect()).toMatchObject({ resumed: false });
  });

  test('resumes a session', async () => {
    const { attach } = await make();
    const first = attach();
    await first.connect();
    await first.register();
    const resumed = attach({ resume: first.exportSession() });
    expect(await resumed.connect()).toMatchObject({ resumed: true });
    expect(await resumed.post(reading)).toMatchObject({ code: '2.04' });
  });
});

test('the A-KID is taken from the identity octet for octet', () => {
  expect(aKidIn(`3GPP-AKMA${aKid}`)).toBe(aKid);
  expect(aKidIn('3GPP-bootstrapping;x')).toBe('');
});

describe('registration', () => {
  test('is created, changed when repeated, and deleted', async () => {
    const { gateway } = await registered();
    const [deregister, again] = ['DEREG', 'REG'].map(msgType => ({
      msgType,
      serviceId: 'msgin5g',
      ueServiceId: ue.addr,
    }));
    const body = { ueServiceId: ue.addr, result: true };
    expect(await gateway.register()).toEqual({ code: '2.04', body });
    expect(await gateway.post(deregister)).toEqual({ code: '2.04', body });
    expect(await gateway.post(deregister)).toEqual({
      code: '4.04',
      body: { ...body, result: false, cause: 'NOT_REGISTERED' },
    });
    expect(await gateway.post(again)).toEqual({ code: '2.01', body });
  });

  test('of a UE Service ID that is not the subscriber’s is refused', async () => {
    const { attach } = await make();
    const gateway = attach();
    await gateway.connect();
    const ueServiceId = 'ue-gateway-2@example.com';
    expect(await gateway.register(ueServiceId)).toEqual({
      code: '4.03',
      body: { ueServiceId, result: false, cause: 'ID_MISMATCH' },
    });
  });

  test('on a new session ends the old one, so that what was on its way does not wait', async () => {
    const { attach, gateway, server } = await registered();
    gateway.vanish();
    const lost = expect(server.send({ msgId: 's1', appId: 'meter', payload: 'open' })).rejects.toMatchObject({
      code: 'lab.session-lost',
    });
    const successor = attach();
    await successor.connect();
    expect(await successor.register()).toMatchObject({ code: '2.04' });
    await lost;
    expect(server.sessionCount).toBe(1);
  });
});

describe('a message', () => {
  test('is on disk before it is answered, and a second copy changes nothing', async () => {
    const { gateway, ledger } = await registered();
    const accepted = { code: '2.04', body: { msgType: 'MSGRESP', oriAddr: ue, msgId: 'm1' } };
    expect(await gateway.post(reading)).toEqual(accepted);
    expect(await gateway.post(reading)).toEqual(accepted);
    expect([...ledger.messages.values()]).toEqual([
      expect.objectContaining({ msgId: 'm1', payload: '21.5', times: 1, arrivals: 2 }),
    ]);
    expect(ledger.duplicates).toBe(1);
  });

  test('without a registration is refused', async () => {
    const { attach } = await make();
    const gateway = attach();
    await gateway.connect();
    const body = {
      msgType: 'MSGRESP',
      oriAddr: ue,
      msgId: 'm1',
      status: 'DELY_FAILED',
      failureCause: 'NOT_REGISTERED',
    };
    expect(await gateway.post(reading)).toEqual({ code: '4.04', body });
  });

  test('in another’s name is refused', async () => {
    const { gateway, ledger } = await registered();
    const forged = { ...reading, oriAddr: { ...ue, addr: 'ue-gateway-2@example.com' } };
    expect(await gateway.post(forged)).toMatchObject({ code: '4.03', body: { failureCause: 'ID_MISMATCH' } });
    expect(ledger.messages.size).toBe(0);
  });

  test.each([
    ['without stoAndFwInd', { stoAndFwInd: undefined }],
    ['without msgId', { msgId: undefined }],
    ['with a number as payload', { payload: 1 }],
    ['with a text as destAddr', { destAddr: 'as-1' }],
    ['with a text as delivStReqInd', { delivStReqInd: 'yes' }],
  ])('%s is malformed', async (_name, wrong) => {
    const { gateway } = await registered();
    expect(await gateway.post({ ...reading, ...wrong })).toEqual({
      code: '4.00',
      body: { result: false, cause: 'MALFORMED' },
    });
  });

  test('of an unknown type is refused by name', async () => {
    const { gateway } = await registered();
    expect(await gateway.post({ msgType: 'constructor' })).toMatchObject({
      code: '4.00',
      body: { cause: 'UNSUPPORTED_TYPE' },
    });
  });

  test('that asks for a report gets one under its own message ID', async () => {
    const { gateway, ledger } = await registered();
    await gateway.post({ ...reading, delivStReqInd: true });
    await vi.waitFor(() => expect(ledger.reportsDue.size).toBe(0), soon);
    const report = { msgType: 'IMDN', oriAddr: as, destAddr: ue, msgId: 'm1', delivSt: 'REPT_DELY_SUCCESS' };
    expect(gateway.served).toEqual([report]);
  });

  test('whose report was not taken before the gateway vanished gets it on the next session', async () => {
    const { attach } = await make();
    const gateway = attach({ serve: () => new Promise(() => {}) });
    await gateway.connect();
    await gateway.register();
    await gateway.post({ ...reading, delivStReqInd: true });
    await vi.waitFor(() => expect(gateway.served).toHaveLength(1), soon);
    gateway.vanish();
    const successor = attach();
    await successor.connect();
    await successor.register();
    await vi.waitFor(() =>
      expect(successor.served).toEqual([expect.objectContaining({ msgType: 'IMDN', msgId: 'm1' })]),
    );
  });
});

describe('the server’s own message', () => {
  test('goes to the gateway on its session, and the report of it is kept once', async () => {
    const { gateway, server, ledger } = await registered();
    const answer = await server.send({ msgId: 's1', appId: 'meter', payload: 'open', delivStReqInd: true });
    expect(answer).toEqual({ code: '2.04', body: { msgType: 'MSGRESP', msgId: 's1' } });
    const expected = { msgType: 'MSG', oriAddr: as, destAddr: ue, appId: 'meter', msgId: 's1', stoAndFwInd: false };
    expect(gateway.served).toEqual([{ ...expected, delivStReqInd: true, payload: 'open' }]);
    const report = { msgType: 'IMDN', oriAddr: ue, destAddr: as, msgId: 's1', delivSt: 'REPT_DELY_SUCCESS' };
    expect(await gateway.post(report)).toEqual({ code: '2.04' });
    expect(await gateway.post(report)).toEqual({ code: '2.04' });
    expect([...ledger.reports.values()]).toEqual([{ msgId: 's1', oriAddr: ue, delivSt: 'REPT_DELY_SUCCESS' }]);
  });

  test('needs a registered UE with a session', async () => {
    const { server } = await make();
    const message = { msgId: 's1', appId: 'meter', payload: 'open' };
    await expect(server.send(message)).rejects.toMatchObject({ code: 'lab.not-registered' });
  });
});

describe('faults', () => {
  test('away, the server loses every datagram; back, the session goes on', async () => {
    const { gateway, server, ledger } = await registered();
    server.setAway(true);
    await expect(gateway.post(reading, 200)).rejects.toMatchObject({ code: 'lab.no-answer' });
    expect(ledger.messages.size).toBe(0);
    server.setAway(false);
    expect(await gateway.post(reading)).toMatchObject({ code: '2.04' });
  });

  test('having forgotten its sessions it answers nothing on them, resumes nothing, and takes a new handshake', async () => {
    const { attach, gateway, server } = await registered();
    const resume = gateway.exportSession();
    server.forgetSessions();
    expect(server.sessionCount).toBe(0);
    await expect(gateway.post(reading, 200)).rejects.toMatchObject({ code: 'lab.no-answer' });
    expect(gateway.isOpen).toBe(true);
    const successor = attach({ resume });
    expect(await successor.connect()).toMatchObject({ resumed: false });
    expect(await successor.post(reading)).toMatchObject({ code: '2.04' });
  });

  test('a client that begins anew from the same port gets a new session, and the old one ends', async () => {
    const { attach, gateway, server } = await registered();
    const { localPort } = gateway;
    gateway.vanish();
    const successor = attach({ localPort });
    await successor.connect();
    expect(successor.localPort).toBe(localPort);
    await vi.waitFor(() => expect(server.sessionCount).toBe(1), soon);
    expect(await successor.post(reading)).toMatchObject({ code: '2.04' });
  });

  test('a session ends when its key does', async () => {
    const clock = new TestClock();
    const { attach } = await make({ clock });
    const gateway = attach();
    await gateway.connect();
    clock.advance(keyLifetimeMs - 1);
    expect(gateway.isOpen).toBe(true);
    clock.advance(1);
    await vi.waitFor(() => expect(gateway.isOpen).toBe(false), soon);
  });
});

const keyLifetimeMs = 3_600_000;

async function make({ clock = systemClock } = {}) {
  const aanf = new Aanf(clock);
  aanf.registerAnchorKey({ supi, aKid, kAkma: new Secret(kAkma), expiresAtMs: clock.wallMs() + keyLifetimeMs });
  const ledger = await Ledger.open(join(mkdtempSync(join(tmpdir(), 'lab-server-')), 'messages.log'));
  const subscribers = [{ supi, rid: '0000', mcc: '001', mnc: '01', ueServiceIds: [ue.addr] }];
  const fqdn = 'msgin5g.example.com';
  const server = new MsgServer({ engine: dtls, aanf, ledger, subscribers, fqdn, clock, log: silentLog });
  const port = await server.start('127.0.0.1', 0);
  undo.push(
    () => ledger.close(),
    () => server.stop(),
  );
  const attach = (changes: Partial<TestGatewaySetup> = {}): TestGateway => {
    const gateway = new TestGateway({ port, kAkma, identity: `3GPP-AKMA${aKid}`, ...changes });
    undo.push(() => gateway.vanish());
    return gateway;
  };
  return { server, ledger, attach };
}

async function registered() {
  const lab = await make();
  const gateway = lab.attach();
  await gateway.connect();
  expect(await gateway.register()).toMatchObject({ code: '2.01' });
  return { ...lab, gateway };
}
