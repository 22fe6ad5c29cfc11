import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { fromUtf8, utf8 } from '../../gateway/base/bytes.ts';
import { systemClock } from '../../gateway/base/clock.ts';
import { systemRandom } from '../../gateway/base/random.ts';
import type { Endpoint } from '../../gateway/channel/channel.ts';
import { createUdpChannel } from '../../gateway/channel/udp.ts';
import { formatCode, method, parseCode } from '../../gateway/coap/codes.ts';
import { createCoapEndpoint } from '../../gateway/coap/endpoint.ts';
import { contentFormat, contentFormatOf, format, option, uriPath, uriPathOf } from '../../gateway/coap/options.ts';
import { coapParameters } from '../../gateway/coap/parameters.ts';
import type {
  CoapCounters,
  CoapEndpoint,
  CoapRequest,
  IncomingRequest,
  RequestHandler,
} from '../../gateway/coap/types.ts';
import { freeUdpPort, udpPortBound } from '../udp-ports.ts';
import { startPeer, type Peer } from './peers.ts';

// libcoap's own tools over plain UDP: a peer that shares no line with us.

interface Answer {
  readonly code: string;
  readonly text: string | undefined;
}

interface Client {
  readonly coap: CoapEndpoint;
  readonly server: Peer;
  readonly to: Endpoint;
  ask(request: Partial<CoapRequest> & { path: string }): Promise<Answer>;
}

/** Our client, connected to a server of libcoap's that lets ten resources be made. */
async function clientOfLibcoap(): Promise<Client> {
  const port = await freeUdpPort();
  const server = startPeer('coap-server-notls', ['-A', '127.0.0.1', '-p', `${port}`, '-d', '10', '-v', '7']);
  onTestFinished(() => server.stop());
  await udpPortBound(port);
  const channel = createUdpChannel({ connect: { host: '127.0.0.1', port } });
  const coap = createCoapEndpoint({ channel, clock: systemClock, random: systemRandom });
  onTestFinished(() => coap.stop());
  await coap.start();
  const to = channel.endpointFor('127.0.0.1', port);
  const ask: Client['ask'] = async ({
    path,
    code = method.get,
    options = [],
    payload = new Uint8Array(0),
    ...rest
  }) => {
    const response = await coap.request(to, { code, options: [...uriPath(path), ...options], payload, ...rest });
    return { code: formatCode(response.code), text: fromUtf8(response.payload) };
  };
  return { coap, server, to, ask };
}

interface Server {
  readonly counters: CoapCounters;
  readonly requests: IncomingRequest[];
  /** Runs libcoap's client to its end and returns what it wrote. */
  run(path: string, ...args: string[]): Promise<string>;
}

/** Our server, and libcoap's client to speak with it. */
async function serverForLibcoap(handler: RequestHandler): Promise<Server> {
  const requests: IncomingRequest[] = [];
  const channel = createUdpChannel({ host: '127.0.0.1', port: 0 });
  const coap = createCoapEndpoint({
    channel,
    clock: systemClock,
    random: systemRandom,
    handler: request => {
      requests.push(request);
      return handler(request);
    },
  });
  onTestFinished(() => coap.stop());
  await coap.start();
  const run = async (path: string, ...args: string[]): Promise<string> => {
    const url = `coap://127.0.0.1:${channel.local?.port}${path}`;
    const client = startPeer('coap-client-notls', ['-v', '7', '-B', '20', ...args, url]);
    onTestFinished(() => client.stop());
    await client.ended();
    return client.output();
  };
  return { counters: coap.counters, requests, run };
}

function text(code: string, body: string): ReturnType<RequestHandler> {
  return { code: parseCode(code), options: [contentFormat(format.text)], payload: utf8(body) };
}

describe('our client with a server of libcoap', () => {
  test('gets a resource, and 4.04 where there is none', async () => {
    const { ask } = await clientOfLibcoap();
    expect(await ask({ path: '/' })).toMatchObject({ code: '2.05', text: expect.stringContaining('libcoap') });
    expect(await ask({ path: '/nothing/here' })).toMatchObject({ code: '4.04' });
  });

  test('makes a resource with PUT, changes it with POST, reads it and deletes it', async () => {
    const { ask } = await clientOfLibcoap();
    const body = { options: [contentFormat(format.text)] };
    expect(await ask({ path: '/meter', code: method.put, payload: utf8('21.5'), ...body })).toMatchObject({
      code: '2.01',
    });
    expect(await ask({ path: '/meter' })).toEqual({ code: '2.05', text: '21.5' });
    expect(await ask({ path: '/meter', code: method.put, payload: utf8('22.0'), ...body })).toMatchObject({
      code: '2.04',
    });
    expect(await ask({ path: '/meter', code: method.post, payload: utf8('22.5'), ...body })).toMatchObject({
      code: '2.04',
    });
    expect(await ask({ path: '/meter' })).toMatchObject({ text: '22.5' });
    expect(await ask({ path: '/meter', code: method.delete })).toMatchObject({ code: '2.02' });
    expect(await ask({ path: '/meter' })).toMatchObject({ code: '4.04' });
  });

  test('gets a separate response after an empty ACK, and acknowledges it', async () => {
    const { ask, server, coap } = await clientOfLibcoap();
    const query = [{ number: option.uriQuery, value: utf8('1') }];
    expect(await ask({ path: '/async', options: query })).toEqual({ code: '2.05', text: 'done' });
    await server.says(/t:ACK c:0\.00[^\n]*\n[^\n]*async|received 4 bytes\nv:1 t:ACK c:0\.00/);
    expect(coap.counters).toMatchObject({ retransmissions: 0, unmatched: 0, duplicates: 0 });
  });

  test('gets the answer to a NON request', async () => {
    const { ask, server } = await clientOfLibcoap();
    expect(await ask({ path: '/', confirmable: false })).toMatchObject({ code: '2.05' });
    await server.says(/t:NON c:GET/);
  });

  test('pings it', async () => {
    const { coap, to } = await clientOfLibcoap();
    expect(await coap.ping(to)).toBeGreaterThan(0);
  });

  // libcoap sends the option back in its 4.02; RFC 7252 §5.4.1 has a client reject a response with one that it does not know.
  test('does not take a 4.02 in which the unknown critical option comes back', async () => {
    const { ask } = await clientOfLibcoap();
    const unknown = [{ number: 65_001, value: Uint8Array.of(1) }];
    await expect(ask({ path: '/', options: unknown })).rejects.toMatchObject({
      code: 'coap.bad-response',
      message: expect.stringContaining('65001'),
    });
  });

  test('makes hundreds of exchanges in a row, none of them lost or mixed up', async () => {
    const { ask, coap } = await clientOfLibcoap();
    await ask({ path: '/n', code: method.put, payload: utf8('start') });
    for (let i = 0; i < 300; i++) {
      await ask({ path: '/n', code: method.put, payload: utf8(`${i}`) });
      expect(await ask({ path: '/n' })).toEqual({ code: '2.05', text: `${i}` });
    }
    expect(coap.counters).toMatchObject({ unmatched: 0, formatErrors: 0, responsesIn: 601 });
  });

  test('says that nobody is there, instead of waiting for the last retransmission', async () => {
    const port = await freeUdpPort();
    const channel = createUdpChannel({ connect: { host: '127.0.0.1', port } });
    const coap = createCoapEndpoint({ channel, clock: systemClock, random: systemRandom });
    onTestFinished(() => coap.stop());
    await coap.start();
    const request = { code: method.get, options: [], payload: new Uint8Array(0) };
    await expect(coap.request(channel.endpointFor('127.0.0.1', port), request)).rejects.toMatchObject({
      code: 'coap.endpoint-lost',
      cause: { code: 'channel.refused' },
    });
  });
});

describe('our server with a client of libcoap', () => {
  test('answers a GET, and 4.04 where there is nothing', async () => {
    const { run } = await serverForLibcoap(({ options }) =>
      uriPathOf(options)?.join('/') === 'a/b' ? text('2.05', 'hello') : text('4.04', 'no such thing'),
    );
    expect(await run('/a/b')).toMatch(/v:1 t:ACK c:2\.05 i:\w+ \{\w+\} \[ Content-Format:text\/plain \] :: 'hello'/);
    expect(await run('/c')).toContain('4.04');
  });

  test('takes a POST with its payload and Content-Format', async () => {
    const { run, requests } = await serverForLibcoap(() => ({
      code: parseCode('2.04'),
      options: [],
      payload: utf8(''),
    }));
    expect(await run('/msgin5g', '-m', 'post', '-t', '50', '-e', '{"msgType":"MSG"}')).toMatch(/t:ACK c:2\.04/);
    expect(requests).toHaveLength(1);
    const [{ code, confirmable, options, payload }] = requests;
    expect({ code, confirmable, format: contentFormatOf(options), text: fromUtf8(payload) }).toEqual({
      code: method.post,
      confirmable: true,
      format: format.json,
      text: '{"msgType":"MSG"}',
    });
  });

  test('answers separately when it takes longer than a second', async () => {
    const { run, counters, requests } = await serverForLibcoap(async () => {
      await wait(1_300);
      return text('2.05', 'late');
    });
    const output = await run('/slow');
    expect(output).toMatch(
      /t:ACK c:0\.00[\s\S]*t:CON c:2\.05 i:\w+ \{\w+\} \[ Content-Format:text\/plain \] :: 'late'/,
    );
    expect(requests).toHaveLength(1);
    expect(counters).toMatchObject({ retransmissions: 0, duplicates: 0 });
  });

  test('answers a NON with a NON', async () => {
    const { run, requests } = await serverForLibcoap(() => text('2.05', 'there'));
    expect(await run('/', '-N')).toMatch(/t:NON c:2\.05/);
    expect(requests[0].confirmable).toBe(false);
  });

  test('answers the pings that libcoap sends in its silence', async () => {
    const { run, counters } = await serverForLibcoap(async () => {
      await wait(3_500);
      return text('2.05', 'late');
    });
    expect(await run('/slow', '-K', '1')).toMatch(/t:RST c:0\.00[\s\S]*:: 'late'/);
    expect(counters.resetsOut).toBeGreaterThan(0);
    expect(counters.formatErrors).toBe(0);
  });

  test('handles a request once whose answers are lost on the way', async () => {
    let runs = 0;
    const { run, counters } = await serverForLibcoap(() => text('2.05', `run ${++runs}`));
    // libcoap fails to send its first datagram, and repeats it.
    expect(await run('/', '-l', '1')).toContain("'run 1'");
    expect(runs).toBe(1);
    expect(counters.requestsIn).toBe(1);
  });

  test('says 4.02 to a critical option that it does not know', async () => {
    const { run, counters } = await serverForLibcoap(() => text('2.05', 'x'));
    expect(await run('/', '-O', '65001,0x01')).toMatch(/c:4\.02/);
    expect(counters.badOptions).toBe(1);
  });

  test('gives the same answer to a repetition: an ACK that comes too late for libcoap', async () => {
    let runs = 0;
    const { run, counters } = await serverForLibcoap(async () => {
      runs++;
      const { ackTimeoutMs } = coapParameters();
      // The event loop stands still, so that not even the empty ACK goes out before libcoap repeats its request.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1.6 * ackTimeoutMs);
      return text('2.05', 'at last');
    });
    expect(await run('/')).toContain("'at last'");
    expect(runs).toBe(1);
    expect(counters.duplicates).toBe(1);
  });
});
