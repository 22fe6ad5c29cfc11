import { describe, expect, onTestFinished, test } from 'vitest';
import { fromUtf8, hex, utf8 } from '../../gateway/base/bytes.ts';
import { systemClock } from '../../gateway/base/clock.ts';
import { systemRandom } from '../../gateway/base/random.ts';
import { Secret } from '../../gateway/base/secret.ts';
import { createUdpChannel } from '../../gateway/channel/udp.ts';
import { formatCode, method } from '../../gateway/coap/codes.ts';
import { createCoapEndpoint } from '../../gateway/coap/endpoint.ts';
import { contentFormat, format, uriPath, uriPathOf } from '../../gateway/coap/options.ts';
import type { CoapRequest, IncomingRequest } from '../../gateway/coap/types.ts';
import { DtlsClientChannel } from '../../gateway/secure/dtls-client.ts';
import { DtlsServerChannel } from '../../gateway/secure/dtls-server.ts';
import { suiteTable } from '../../gateway/secure/suites.ts';
import { freeUdpPort, udpPortBound } from '../udp-ports.ts';
import { startPeer } from './peers.ts';

// The engine and the addon together against libcoap on OpenSSL and on GnuTLS, with the identity that AKMA makes.
const identity = '3GPP-AKMArid0000.LLF042GWKhalxJDZ7f3hPdXyYg4haZGDNH2aTBTKKRA@5gc.mnc001.mcc001.3gppnetwork.org';
// libcoap's tools take the key as text.
const keyText = '0123456789abcdef0123456789abcdef';
const wrongKeyText = 'another key, of 32 octets, say..';
const key = (): Secret => new Secret(utf8(keyText));
const suites = Object.values(suiteTable).map(suite => suite.code);

/** Our engine as a client of libcoap's server; the port after the plain one is its DTLS port. */
async function ourClient(program: string, serverKey = keyText) {
  let plainPort = await freeUdpPort();
  if (plainPort === 65_535) plainPort = await freeUdpPort();
  const port = plainPort + 1;
  const server = startPeer(program, [
    '-A',
    '127.0.0.1',
    '-p',
    `${plainPort}`,
    '-k',
    serverKey,
    '-h',
    '3GPP-AKMA',
    '-d',
    '10',
  ]);
  onTestFinished(() => server.stop());
  await udpPortBound(port);
  const below = createUdpChannel({ connect: { host: '127.0.0.1', port } });
  const channel = new DtlsClientChannel({
    below,
    to: below.endpointFor('127.0.0.1', port),
    clock: systemClock,
    suites,
    serverName: 'localhost',
    psk: () => ({ identity, key: key() }),
    initialTimeoutMs: 500,
    handshakeTimeoutMs: 4_000,
  });
  const coap = createCoapEndpoint({ channel, clock: systemClock, random: systemRandom });
  onTestFinished(() => coap.stop());
  const ask = async (path: string, request: Partial<CoapRequest> = {}) => {
    const { code = method.get, options = [], payload = new Uint8Array(0) } = request;
    const response = await coap.request(channel.endpoint, { code, options: [...uriPath(path), ...options], payload });
    return { code: formatCode(response.code), text: fromUtf8(response.payload) };
  };
  return { coap, channel, ask };
}

/** Our engine as a server that echoes, and libcoap's client to speak with it. */
async function ourServer() {
  const requests: IncomingRequest[] = [];
  const below = createUdpChannel({ host: '127.0.0.1' });
  const channel = new DtlsServerChannel({
    below,
    clock: systemClock,
    suites,
    identityHint: '3GPP-AKMA',
    psk: asked => (asked === identity ? key() : undefined),
  });
  const coap = createCoapEndpoint({
    channel,
    clock: systemClock,
    random: systemRandom,
    handler: request => {
      requests.push(request);
      return {
        code: hex('44')[0],
        options: [],
        payload: utf8(`${uriPathOf(request.options)?.join('/')}: ${fromUtf8(request.payload)}`),
      };
    },
  });
  await coap.start();
  onTestFinished(() => coap.stop());
  return {
    requests,
    async run(program: string, clientKey: string, ...args: string[]) {
      const url = `coaps://127.0.0.1:${below.local!.port}/msgin5g`;
      const client = startPeer(program, ['-u', identity, '-k', clientKey, '-B', '5', ...args, url]);
      onTestFinished(() => client.stop());
      await client.ended();
      return client.output();
    },
  };
}

describe.each(['openssl', 'gnutls'])('libcoap on %s', library => {
  test('its server answers our GET, PUT and ping over DTLS', async () => {
    const { coap, channel, ask } = await ourClient(`coap-server-${library}`);
    await coap.start();
    expect(suites).toContain(channel.facts!.suite);
    expect(await ask('/')).toMatchObject({ code: '2.05', text: expect.stringContaining('libcoap') });
    const put = { code: method.put, options: [contentFormat(format.json)], payload: utf8('{"a":1}') };
    expect(await ask('/made', put)).toMatchObject({ code: '2.01' });
    expect(await ask('/made')).toMatchObject({ code: '2.05', text: '{"a":1}' });
    expect(await ask('/nothing')).toMatchObject({ code: '4.04' });
    expect(await coap.ping(channel.endpoint)).toBeGreaterThan(0);
  });

  test('its server with another key is told apart from one that is not there', async () => {
    const { coap } = await ourClient(`coap-server-${library}`, wrongKeyText);
    await expect(coap.start()).rejects.toMatchObject({ code: expect.stringMatching(/^dtls\.psk-(silent|refused)$/) });
  });

  test('its client gets our answer over DTLS', async () => {
    const { requests, run } = await ourServer();
    const output = await run(`coap-client-${library}`, keyText, '-m', 'post', '-t', '50', '-e', '{"b":2}');
    expect(output).toContain('msgin5g: {"b":2}');
    expect(requests).toHaveLength(1);
    expect(requests[0]?.from.security).toMatchObject({ protocol: 'DTLS 1.2', identity });
  });

  test('its client with another key reaches no handler', async () => {
    const { requests, run } = await ourServer();
    await run(`coap-client-${library}`, wrongKeyText, '-m', 'get');
    expect(requests).toEqual([]);
  });
});
