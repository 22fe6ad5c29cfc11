import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { toHex } from '../gateway/base/bytes.ts';
import { systemClock } from '../gateway/base/clock.ts';
import { codeOf, hintOf, messageOf } from '../gateway/base/errors.ts';
import { createLog, type LogLevel } from '../gateway/base/log.ts';
import { replacePrivateFile } from '../gateway/base/private-file.ts';
import { seededRandom, systemRandom } from '../gateway/base/random.ts';
import { dtls } from '../native/index.ts';
import { Aanf } from './aanf.ts';
import { setAckTimeout } from './coap-peer.ts';
import { ControlPort } from './control.ts';
import { Core, type Subscriber } from './core.ts';
import { Device, type DeviceIdentity, type DeviceLink } from './device.ts';
import { Ledger } from './ledger.ts';
import { takeDirectory } from './one-lab.ts';
import { PtyDeviceLink } from './pty-device.ts';
import { startPtyPair } from './pty-pair.ts';
import { labRoutes } from './routes.ts';
import { MsgServer } from './server.ts';
import { Traffic } from './traffic.ts';
import { UdpDeviceLink } from './udp-device.ts';

const usage = `node lab/index.ts --data DIR [--seed N] [--server-port PORT] [--ack-timeout-ms MS] [--away] [--log LEVEL]`;

const subscriber: Subscriber = {
  supi: '001010123456789',
  rid: '0000',
  mcc: '001',
  mnc: '01',
  ueServiceIds: ['ue-gateway-1@example.com'],
};

const host = '127.0.0.1';
const fqdn = 'msgin5g.example.com';

/** Layer-2 IDs as ProSe has them, 24 bits. */
const deviceKinds = [
  { name: 'meter-1', layer2Id: '0a0001', appId: 'meter' },
  { name: 'valve-1', layer2Id: '0a0002', appId: 'valve' },
];

run().catch((error: unknown) => {
  process.stderr.write(`fieldgate lab: ${messageOf(error)}\n`);
  const hint = hintOf(error);
  if (hint) process.stderr.write(`  ${hint}\n`);
  process.exit(codeOf(error).startsWith('ERR_PARSE_ARGS') ? 2 : 1);
});

/** Makes the parts, says where they are in one line, and ends with SIGTERM, SIGINT or standard input. */
async function run(): Promise<void> {
  const options = readArguments();
  mkdirSync(options.data, { recursive: true, mode: 0o700 });
  await takeDirectory(options.data);
  const file = (name: string): string => join(options.data, name);
  const log = createLog(options.log as LogLevel).child({ process: 'lab' });
  const clock = systemClock;
  setAckTimeout(options.ackTimeoutMs);

  const aanf = new Aanf(clock);
  const core = new Core(subscriber, file('key.json'), aanf, clock);
  core.start();
  const ledger = await Ledger.open(file('messages.log'));
  const server = new MsgServer({ engine: dtls, aanf, ledger, subscribers: [subscriber], fqdn, clock, log });
  const port = await server.start(host, options.serverPort);
  server.setAway(options.away);

  const pair = await startPtyPair(file('pty-device'), file('pty-gateway'));
  const identities = provisionedDevices(file('devices.json'));
  const links: DeviceLink[] = [new PtyDeviceLink(file('pty-device'), 'meter-1 boot ok\n'), new UdpDeviceLink()];
  const devices = identities.map(
    (identity, i) => new Device(identity, links[i], { clock, random: options.random, log }),
  );
  const appIds = identities.map(({ appId }) => appId);
  const traffic = new Traffic(server, appIds, clock, log);
  const controlToken = randomBytes(24).toString('base64url');
  const control = new ControlPort(controlToken, labRoutes({ core, server, ledger, devices, traffic }));

  let stopping = false;
  const stop = async (exitCode: number): Promise<void> => {
    if (stopping) return;
    stopping = true;
    traffic.stop();
    for (const device of devices) device.stop();
    control.stop();
    server.stop();
    await Promise.all([ledger.close(), pair.stop()]);
    process.exit(exitCode);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(0));
  for (const end of ['end', 'close', 'error']) process.stdin.on(end, () => void stop(0));
  process.stdin.resume();
  void pair.ended.then(reason => {
    if (!stopping) log.error('socat ended, and the serial line with it', { reason });
    void stop(1);
  });

  const ready = {
    ready: true,
    control: await control.start(),
    controlToken,
    server: { host, port, fqdn },
    ueServiceId: subscriber.ueServiceIds[0],
    keyFile: file('key.json'),
    serial: [{ id: 'lab-serial', path: file('pty-gateway') }],
    devices: identities,
  };
  process.stdout.write(`${JSON.stringify(ready)}\n`);
}

function readArguments() {
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      seed: { type: 'string' },
      'server-port': { type: 'string', default: '0' },
      'ack-timeout-ms': { type: 'string', default: '2000' },
      away: { type: 'boolean', default: false },
      log: { type: 'string', default: 'warn' },
    },
  });
  if (values.data === undefined) {
    process.stderr.write(`${usage}\n`);
    process.exit(2);
  }
  return {
    data: resolve(values.data),
    random: values.seed === undefined ? systemRandom : seededRandom(Number(values.seed)),
    serverPort: Number(values['server-port']),
    ackTimeoutMs: Number(values['ack-timeout-ms']),
    away: values.away,
    log: values.log,
  };
}

/** The devices with their credentials, drawn at the first start and kept: the gateway knows them by these. */
function provisionedDevices(path: string): DeviceIdentity[] {
  if (!existsSync(path)) {
    const identities = deviceKinds.map(kind => ({ ...kind, credential: toHex(randomBytes(16)) }));
    replacePrivateFile(path, `${JSON.stringify(identities, null, 2)}\n`);
  }
  return JSON.parse(readFileSync(path, 'utf8')) as DeviceIdentity[];
}
