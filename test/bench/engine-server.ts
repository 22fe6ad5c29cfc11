import { systemClock } from '../../gateway/base/clock.ts';
import { systemRandom } from '../../gateway/base/random.ts';
import { createUdpChannel } from '../../gateway/channel/udp.ts';
import { status } from '../../gateway/coap/codes.ts';
import { createCoapEndpoint } from '../../gateway/coap/endpoint.ts';
import type { CoapResponse } from '../../gateway/coap/types.ts';
import { overDtlsServer } from './engine-security.ts';
import { endWithInput, print, readFlags } from './flags.ts';

// Answers every POST with 2.04, on our engine; over DTLS when it has a key.
const flags = readFlags();
const udp = createUdpChannel({ host: '127.0.0.1' });
const changed: CoapResponse = { code: status.changed, options: [], payload: new Uint8Array(0) };
const server = createCoapEndpoint({
  channel: flags.security ? overDtlsServer(udp, flags.security) : udp,
  clock: systemClock,
  random: systemRandom,
  parameters: { exchangeLifetimeMs: flags.exchangeLifetimeMs },
  handler: () => changed,
});
await server.start();
print({ ready: true, port: udp.local?.port });
endWithInput();
