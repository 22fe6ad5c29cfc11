import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startLibcoapDevice, type LibcoapDevice } from '../interop/libcoap-device.ts';
import { startLab, type Lab } from './lab.ts';
import { startGateway, temporaryFolder, until, type Program } from './program.ts';
import { freeUdpPort } from '../udp-ports.ts';

const credential = 'a credential of at least 128 bits';
/** A UUID goes through as it is. */
const messageId = '5e0f6f0e-3b1c-4b0e-9d5b-3d0c5f6f0a01';
const identity = { layer2Id: '0c0a01', appId: 'libcoap' };

describe("a device on somebody else's CoAP (libcoap) walks the same path", () => {
  const folder = temporaryFolder();
  let lab: Lab;
  let gateway: Program;
  let device: LibcoapDevice;

  beforeAll(async () => {
    lab = await startLab(folder.path);
    const devicePort = await freeUdpPort();
    const devices = [{ name: 'libcoap-1', ...identity, credential }];
    gateway = await startGateway(folder.path, lab.config({ deviceListen: `127.0.0.1:${devicePort}`, devices }));
    device = await startLibcoapDevice(devicePort);
    await until('registration at the server', async () => (await lab.server()).registered.length > 0);
  });

  afterAll(async () => {
    await device?.stop();
    await gateway?.stop();
    await lab?.stop();
    folder.remove();
  });

  const post = async (body: object): Promise<{ code: string; body: Record<string, unknown> }> => {
    const answer = await device.post('msgin5g', body);
    return { code: answer.code, body: JSON.parse(answer.body) };
  };
  const message = (more: object): object => ({
    msgType: 'MSG',
    destAddr: { addrType: 'AS', addr: 'as-1@example.com' },
    ...more,
  });

  test('before it registered its messages are refused, and it is told why', async () => {
    expect(await post(message({ payload: 'x' }))).toMatchObject({
      code: '4.04',
      body: { failureCause: 'NOT_REGISTERED' },
    });
  });

  test('a wrong credential is not authorised', async () => {
    const answer = await post({ msgType: 'REG', ...identity, credential: 'another' });
    expect(answer).toMatchObject({ code: '4.03', body: { result: false, cause: 'NOT_AUTHORIZED' } });
  });

  test('it registers', async () => {
    expect(await post({ msgType: 'REG', ...identity, credential })).toMatchObject({
      code: '2.01',
      body: { result: true },
    });
  });

  test('it sends, and hears that it was delivered', async () => {
    const { code, body } = await post(message({ msgId: messageId, payload: '21.5', delivStReqInd: true }));
    expect({ code, body }).toMatchObject({ code: '2.04', body: { msgType: 'MSGRESP', msgId: messageId } });
    const arrived = await until('the message at the server', async () =>
      (await lab.server()).messages.find(found => found.msgId === messageId),
    );
    expect(arrived).toMatchObject({ payload: '21.5', times: 1 });
    const report = JSON.parse(await device.receives(text => text.includes('"IMDN"')));
    expect(report).toMatchObject({ msgType: 'IMDN', msgId: messageId, delivSt: 'REPT_DELY_SUCCESS' });
  });

  test('the same message again is answered the same and arrives once', async () => {
    const again = await post(message({ msgId: messageId, payload: '21.5', delivStReqInd: true }));
    expect(again).toMatchObject({ code: '2.04', body: { msgId: messageId } });
    await post(message({ msgId: 'm2', payload: 'after it' }));
    // An ID that is unique for this device alone carries the device's name from here on.
    await until('the next message at the server', async () =>
      (await lab.server()).messages.find(found => found.msgId === `${identity.layer2Id}/m2`),
    );
    expect((await lab.server()).messages.find(found => found.msgId === messageId)?.times).toBe(1);
  });

  test('the server reaches it and gets its report', async () => {
    const { msgId } = await lab.call<{ msgId: string }>('/server/send', {
      appId: 'libcoap',
      payload: 'close',
      delivStReqInd: true,
    });
    const received = JSON.parse(await device.receives(text => text.includes(msgId)));
    expect(received).toMatchObject({ msgType: 'MSG', msgId, payload: 'close', appId: 'libcoap' });
    const report = await until('the report at the server', async () =>
      (await lab.server()).reports.find(found => found.msgId === msgId),
    );
    expect(report.delivSt).toBe('REPT_DELY_SUCCESS');
  });

  test('it de-registers, and only once', async () => {
    expect(await post({ msgType: 'DEREG', ...identity })).toMatchObject({ code: '2.04', body: { result: true } });
    expect(await post({ msgType: 'DEREG', ...identity })).toMatchObject({
      code: '4.04',
      body: { cause: 'NOT_REGISTERED' },
    });
  });
});
