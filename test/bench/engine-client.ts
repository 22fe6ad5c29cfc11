import { systemClock } from '../../gateway/base/clock.ts';
import { systemRandom } from '../../gateway/base/random.ts';
import type { Endpoint } from '../../gateway/channel/channel.ts';
import { createUdpChannel } from '../../gateway/channel/udp.ts';
import { isSuccess, method } from '../../gateway/coap/codes.ts';
import { createCoapEndpoint } from '../../gateway/coap/endpoint.ts';
import { contentFormat, format, uriPath } from '../../gateway/coap/options.ts';
import type { CoapEndpoint, CoapRequest } from '../../gateway/coap/types.ts';
import { overDtlsClient } from './engine-security.ts';
import { print, readFlags } from './flags.ts';
import { messageBody, runLoad } from './load.ts';

// Load on our engine: a channel and an endpoint for each session, as the gateway has them.
const flags = readFlags();
const server = { host: '127.0.0.1', port: flags.number('port', 5683) };
const sessions = flags.number('sessions', 1);
const parameters = { nstart: flags.number('nstart', 1), exchangeLifetimeMs: flags.exchangeLifetimeMs };

const pairs: { coap: CoapEndpoint; to: Endpoint }[] = [];
for (let i = 0; i < sessions; i++) {
  const udp = createUdpChannel({ connect: server });
  const to = udp.endpointFor(server.host, server.port);
  const secured = flags.security && overDtlsClient(udp, to, flags.security);
  const coap = createCoapEndpoint({ channel: secured ?? udp, clock: systemClock, random: systemRandom, parameters });
  await coap.start();
  pairs.push({ coap, to: secured?.endpoint ?? to });
}

const request: CoapRequest = {
  code: method.post,
  options: [...uriPath('/msgin5g'), contentFormat(format.json)],
  payload: messageBody(),
};
const measured = await runLoad(
  {
    sessions,
    outstanding: flags.number('outstanding', 1),
    measureMs: flags.number('ms', 3_000),
    warmupMs: flags.number('warmup-ms', 1_000),
  },
  async session => {
    const { coap, to } = pairs[session];
    return isSuccess((await coap.request(to, request)).code);
  },
);
const retransmissions = pairs.reduce((sum, { coap }) => sum + coap.counters.retransmissions, 0);
print({ ...measured, retransmissions, suite: pairs[0].to.security?.suite.toString(16) ?? 'none' });
process.exit(0);
