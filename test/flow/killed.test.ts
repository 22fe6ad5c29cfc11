import { afterAll, beforeAll, expect, test } from 'vitest';
import { seededRandom } from '../../gateway/base/random.ts';
import { acknowledged, serverWithAll, startLab, type Lab } from './lab.ts';
import { pause, startGateway, temporaryFolder, until, type Program } from './program.ts';
import { freeUdpPort } from '../udp-ports.ts';

const kills = 50;
const seed = 20261121;

const folder = temporaryFolder();
let lab: Lab;
let gateway: Program | undefined;

beforeAll(async () => {
  lab = await startLab(folder.path, ['--ack-timeout-ms', '250']);
});

afterAll(async () => {
  await gateway?.stop();
  await lab?.stop();
  folder.remove();
});

test(`the gateway is killed at ${kills} points chosen by seed ${seed}: nothing acknowledged is lost, the server processes nothing twice`, async () => {
  const random = seededRandom(seed);
  const deviceListen = `127.0.0.1:${await freeUdpPort()}`;
  const config = lab.config({ deviceListen });
  gateway = await startGateway(folder.path, config);
  await lab.call('/devices/start', { gateway: deviceListen, intervalMs: 20 });
  await until('both devices registered', async () => (await lab.devices()).every(device => device.registered));

  for (let kill = 0; kill < kills; kill++) {
    await pause(random() * 400);
    await gateway.stop('SIGKILL');
    gateway = await startGateway(folder.path, config);
  }

  await until(
    'devices at work again',
    async () => {
      const before = (await lab.devices()).map(device => device.sent.filter(message => message.acknowledged).length);
      await pause(1_000);
      const after = (await lab.devices()).map(device => device.sent.filter(message => message.acknowledged).length);
      return after.every((count, index) => count > before[index]);
    },
    60_000,
  );
  const promised = await acknowledged(lab);
  expect(promised.length).toBeGreaterThan(kills);
  const server = await serverWithAll(lab, promised, 90_000);
  expect(server.messages.filter(message => message.times !== 1)).toEqual([]);
});
