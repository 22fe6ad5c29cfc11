import { afterEach, beforeEach, expect, test } from 'vitest';
import { hex, toHex, utf8 } from '../base/bytes.ts';
import { silentLog } from '../base/log.ts';
import { seededRandom } from '../base/random.ts';
import { createPost } from './coap-json.ts';
import { createDeviceEndpoints, type DeviceEndpoints } from './device-endpoints.ts';
import { TestLink } from './test-link.ts';
import { openWorld, until, valvePlace, type World } from './test-world.ts';

let world: World;
let link: TestLink;
let endpoints: DeviceEndpoints;

beforeEach(async () => {
  world = await openWorld();
  link = new TestLink();
  const { service, clock, noted } = world;
  const refusals = { note: (event: (typeof noted)[number]) => void noted.push(event) };
  endpoints = createDeviceEndpoints({
    links: [link],
    service,
    refusals,
    clock,
    random: seededRandom(4),
    log: silentLog,
  });
});
afterEach(async () => {
  await endpoints.stop();
  await world[Symbol.asyncDispose]();
});

// CON POST MID 0x1001 token 01020304 /msgin5g, Content-Format 50
const head = '44 02 1001 01020304 b7 6d7367696e3567 11 32 ff';
const reg = '{"msgType":"REG","layer2Id":"valve-1","appId":"heat","credential":"valve secret"}';
const octetsOf = (json: string) => Uint8Array.from([...hex(head), ...utf8(json)]);

test('a registration in octets is answered in octets, piggybacked, after the commit', async () => {
  await endpoints.start();
  link.receive(octetsOf(reg));
  await until(() => link.out.length > 0);
  // 2.01, Content-Format 50, {"result":true}
  expect(link.out).toEqual([toHex(hex('64 41 1001 01020304 c1 32 ff 7b22726573756c74223a747275657d'))]);
  expect(world.store.registry.at(valvePlace.linkId, valvePlace.address)).toMatchObject([{ layer2Id: 'valve-1' }]);
});

test('a copy of it gets the same octets, and has no second effect', async () => {
  await endpoints.start();
  link.receive(octetsOf(reg));
  link.receive(octetsOf(reg));
  await until(() => link.out.length > 0);
  link.receive(octetsOf(reg));
  await until(() => link.out.length > 1);
  expect(new Set(link.out).size).toBe(1);
  expect((await world.audit()).filter(row => row.action === 'device.registered')).toHaveLength(1);
});

test('the request of the facts, which holds a message type alone, gets 4.00', async () => {
  await endpoints.start();
  link.receive(octetsOf('{"msgType":"REG"}'));
  await until(() => link.out.length > 0);
  expect(link.out[0]).toMatch(/^6480100101020304c132ff/);
});

test('octets that are no CoAP message are noted under their link and address', async () => {
  await endpoints.start();
  link.receive(hex('44 02 1001 01'));
  expect(world.noted).toMatchObject([
    { action: 'peer.malformed', from: 'lab-udp 127.0.0.1:40001', reason: 'coap.format' },
  ]);
});

test('a request goes to the device at its place, and nowhere else', async () => {
  await endpoints.start();
  const request = createPost(['msgin5g'])('{"msgType":"MSG"}');
  expect(endpoints.request({ linkId: 'no-such', address: 'port' }, request)).toBeUndefined();
  expect(endpoints.request({ linkId: 'lab-udp', address: 'elsewhere' }, request)).toBeUndefined();
  const stopped = expect(endpoints.request(valvePlace, request)).rejects.toMatchObject({ code: 'coap.stopped' });
  await until(() => link.out.length > 0);
  expect(link.out[0]).toMatch(/ff7b226d736754797065223a224d5347227d$/);
  await endpoints.stop();
  await stopped;
});

test('a link that does not open is told, and does not hold up the others', async () => {
  link.failure = new Error('port is taken');
  expect((await endpoints.start()).get('lab-udp')).toBe(link.failure);
});

test('a link whose port was taken opens once the port is free', async () => {
  link.failure = new Error('port is taken');
  await endpoints.start();
  link.failure = undefined;
  await world.clock.advanceAsync(5_000);
  link.receive(octetsOf(reg));
  await until(() => link.out.length > 0);
  expect(link.out[0]).toMatch(/^6441/);
});
