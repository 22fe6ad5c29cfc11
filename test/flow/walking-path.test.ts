import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startLab, type Lab } from './lab.ts';
import { startGateway, temporaryFolder, until, type Program } from './program.ts';
import { freeUdpPort } from '../udp-ports.ts';

describe('a device on a pseudo-terminal and one on UDP, through DTLS with AKMA, to the server and back', () => {
  const folder = temporaryFolder();
  let lab: Lab;
  let gateway: Program & { url: string };

  beforeAll(async () => {
    lab = await startLab(folder.path);
    const deviceListen = `127.0.0.1:${await freeUdpPort()}`;
    gateway = await startGateway(folder.path, lab.config({ deviceListen }));
    await lab.call('/devices/start', { gateway: deviceListen, intervalMs: 0 });
  });

  afterAll(async () => {
    await gateway?.stop();
    await lab?.stop();
    folder.remove();
  });

  test('the gateway registers at the server under its UE Service ID', async () => {
    const { registered } = await until('registration', async () => {
      const server = await lab.server();
      return server.registered.length > 0 && server;
    });
    expect(registered).toEqual([lab.site.ueServiceId]);
  });

  test('both devices register', async () => {
    const devices = await until('two registered devices', async () => {
      const all = await lab.devices();
      return all.every(device => device.registered) && all;
    });
    expect(devices.map(device => device.name).sort()).toEqual(['meter-1', 'valve-1']);
  });

  test.each(['meter-1', 'valve-1'])('%s sends, and hears that it was delivered', async name => {
    const { msgId } = await lab.call<{ msgId: string }>(`/devices/${name}/send`, {
      payload: `from ${name}`,
      delivStReqInd: true,
    });
    const message = await until('the message at the server', async () =>
      (await lab.server()).messages.find(found => found.msgId === msgId),
    );
    expect(message).toMatchObject({ payload: `from ${name}`, times: 1 });
    const report = await until('the report at the device', async () =>
      (await lab.device(name)).reports.find(found => found.msgId === msgId),
    );
    expect(report.delivSt).toBe('REPT_DELY_SUCCESS');
  });

  test.each(['meter-1', 'valve-1'])('the server reaches %s and gets its report', async name => {
    const { appId } = lab.site.devices.find(device => device.name === name)!;
    const { msgId } = await lab.call<{ msgId: string }>('/server/send', {
      appId,
      payload: `to ${name}`,
      delivStReqInd: true,
    });
    const received = await until('the message at the device', async () =>
      (await lab.device(name)).received.find(found => found.msgId === msgId),
    );
    expect(received.payload).toBe(`to ${name}`);
    const report = await until('the report at the server', async () =>
      (await lab.server()).reports.find(found => found.msgId === msgId),
    );
    expect(report.delivSt).toBe('REPT_DELY_SUCCESS');
  });

  test.each(['meter-1', 'valve-1'])('%s de-registers, and its next message is refused', async name => {
    await lab.call(`/devices/${name}/deregister`, {});
    expect((await lab.device(name)).registered).toBe(false);
    const { status, response } = await lab.call<{ status: string; response: { failureCause: string } }>(
      `/devices/${name}/send`,
      {
        payload: 'too late',
      },
    );
    expect(status).toBe('4.04');
    expect(response.failureCause).toBe('NOT_REGISTERED');
  });

  test('the gateway stops on request, de-registered', async () => {
    await gateway.stop();
    expect(gateway.process.exitCode).toBe(0);
    expect((await lab.server()).registered).toEqual([]);
  });
});
