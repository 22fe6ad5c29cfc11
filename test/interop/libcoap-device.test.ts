import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { Agent, createServer, request } from 'coap';
import { expect, onTestFinished, test } from 'vitest';
import { startLibcoapDevice } from './libcoap-device.ts';

/** A gateway in the least words, on node-coap, one socket for both roles: answers 2.01, and can post from the same port. */
async function plainGateway() {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());

  const bodies: string[] = [];
  const server = createServer((incoming, outgoing) => {
    bodies.push(incoming.payload.toString());
    outgoing.code = '2.01';
    outgoing.end('{"result":true}');
  });
  server.listen(socket);
  onTestFinished(() => void server.close());

  const agent = new Agent({ socket });
  const post = async (port: number, body: string) => {
    const outgoing = request({ hostname: '127.0.0.1', port, pathname: '/msgin5g', method: 'POST', agent });
    outgoing.end(body);
    const [answer] = await once(outgoing, 'response');
    return { code: String(answer.code), body: String(answer.payload) };
  };
  return { bodies, post, port: socket.address().port };
}

test('posts what it is told and gives back the answer', async () => {
  const gateway = await plainGateway();
  const device = await startLibcoapDevice(gateway.port);
  onTestFinished(() => device.stop());
  expect(await device.post('msgin5g', { msgType: 'REG', layer2Id: '"7"' })).toEqual({
    code: '2.01',
    body: '{"result":true}',
  });
  expect(gateway.bodies).toEqual(['{"msgType":"REG","layer2Id":"\\"7\\""}']);
});

test('answers a POST to its /msgin5g with 2.04 and a MSGRESP of the same message ID', async () => {
  const gateway = await plainGateway();
  const device = await startLibcoapDevice(gateway.port);
  onTestFinished(() => device.stop());
  const body = '{"msgType":"MSG","msgId":"m-1","payload":"ünf"}';
  expect(await gateway.post(device.port, body)).toEqual({
    code: '2.04',
    body: '{"msgType":"MSGRESP","msgId":"m-1"}',
  });
  expect(await device.receives()).toBe(body);
});
