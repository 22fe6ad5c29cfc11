import { join } from 'node:path';
import { systemClock } from '../../gateway/base/clock.ts';
import { splitHostPort } from '../../gateway/base/host-port.ts';
import { createLog } from '../../gateway/base/log.ts';
import { systemRandom } from '../../gateway/base/random.ts';
import { parseConfig } from '../../gateway/config.ts';
import { Gateway, type WorkingConfig } from '../../gateway/gateway.ts';
import { suiteTable } from '../../gateway/secure/suites.ts';
import { FileKeySource } from '../../gateway/session/file-key-source.ts';
import { createDtlsTransport } from '../../gateway/session/transport.ts';
import { fqdn } from './akma-key.ts';
import { print, readFlags } from './flags.ts';

// The gateway as headless wires it, without a dashboard: for the relay bench. Ready when the session to the server is up.
const flags = readFlags();
const folder = flags.text('folder') ?? '.';
const server = { host: '127.0.0.1', port: flags.number('upstream-port', 5684), fqdn };
const config = parseConfig(
  {
    ueServiceId: 'ue-gateway-1@example.com',
    deviceListen: '127.0.0.1:0',
    server,
    akma: { keyFile: join(folder, 'key.json') },
    // As coap-load.c registers them.
    devices: Array.from({ length: flags.number('devices', 1) }, (_, i) => ({
      name: `bench-${i}`,
      layer2Id: `bench-${i}`,
      appId: `bench-${i}`,
      credential: 'bench-credential',
    })),
    serverCoap: {
      nstart: flags.number('server-nstart', 1),
      ...(flags.exchangeLifetimeMs === undefined ? {} : { exchangeLifetimeMs: flags.exchangeLifetimeMs }),
    },
    logLevel: 'warn',
  },
  'the bench',
) as WorkingConfig;

const gateway = new Gateway(config, {
  dataDirectory: join(folder, 'data'),
  keySource: new FileKeySource({ path: config.akma.keyFile, clock: systemClock }),
  transport: createDtlsTransport({
    ...server,
    suites: config.akma.suites.map(label => suiteTable[label].code),
    clock: systemClock,
  }),
  clock: systemClock,
  random: systemRandom,
  log: createLog(config.logLevel),
});
gateway.session.onStatus(({ state, reason }) => {
  if (state === 'up') print({ ready: true, port: splitHostPort(gateway.links[0].status().where).port });
  else if (reason) process.stderr.write(`Error: the session is ${state}: ${reason.message}\n`);
});
process.stdin.on('end', () => void gateway.stop().finally(() => process.exit(0))).resume();
await gateway.start();
