import { afterAll, beforeAll, expect, test } from 'vitest';
import { acknowledged, serverWithAll, startLab, type Lab } from './lab.ts';
import { pause, startGateway, temporaryFolder, until, type Program } from './program.ts';
import { freeUdpPort } from '../udp-ports.ts';

const folder = temporaryFolder();
let lab: Lab;
let gateway: Program;

beforeAll(async () => {
  lab = await startLab(folder.path);
  const deviceListen = `127.0.0.1:${await freeUdpPort()}`;
  gateway = await startGateway(folder.path, lab.config({ deviceListen }));
  await lab.call('/devices/start', { gateway: deviceListen, intervalMs: 100 });
});

afterAll(async () => {
  await gateway?.stop();
  await lab?.stop();
  folder.remove();
});

test('the server is away for 10 s while devices go on sending: nothing acknowledged is lost, nothing arrives twice', async () => {
  await until('messages before the outage', async () => (await lab.server()).messages.length >= 4);
  await lab.call('/server/away', { away: true });
  const before = (await acknowledged(lab)).length;
  await pause(10_000);
  const during = (await acknowledged(lab)).length;
  // Ten seconds of two devices at ten messages a second; half of that leaves room for a busy machine.
  expect(during - before).toBeGreaterThan(100);
  await lab.call('/server/away', { away: false });
  await lab.call('/devices/start', { intervalMs: 0 });

  const server = await serverWithAll(lab, await acknowledged(lab), 120_000);
  expect(server.messages.filter(message => message.times !== 1)).toEqual([]);
});
