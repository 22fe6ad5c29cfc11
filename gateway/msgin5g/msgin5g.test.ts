import { newCoapCounters } from '../coap/types.ts';
import { expect, test } from 'vitest';
import { fromUtf8, hex, utf8 } from '../base/bytes.ts';
import { silentLog } from '../base/log.ts';
import { seededRandom } from '../base/random.ts';
import type { SessionStatus } from '../session/types.ts';
import { createMsgin5g } from './msgin5g.ts';
import { createProfile } from './profile.ts';
import { TestLink } from './test-link.ts';
import { credentials, gatewayId, incoming, openWorld, outgoingAnswer, until, valveReg } from './test-world.ts';

/** The whole of MSGin5G between a link of octets and a session that takes everything. */
async function openSite() {
  const world = await openWorld();
  const { store, clock } = world;
  const link = new TestLink();
  const posts: unknown[] = [];
  const status: SessionStatus = { state: 'up', sinceMs: 0, server: 'test', attempts: 0 };
  const session = {
    counters: newCoapCounters(),
    status: () => status,
    onStatus: () => () => {},
    start() {},
    stop: () => Promise.resolve(),
    register: () => Promise.resolve(),
    post(payload: Uint8Array) {
      posts.push(JSON.parse(fromUtf8(payload)!));
      return Promise.resolve(outgoingAnswer(0x44, '{"msgType":"MSGRESP","msgId":"x"}'));
    },
  };
  const profile = createProfile({ ueServiceId: gatewayId });
  const msgin5g = createMsgin5g({
    store,
    refusals: store.refusals,
    profile,
    credentials,
    clock,
    random: seededRandom(6),
    log: silentLog,
  });
  const joined = msgin5g.join(session, [link]);
  await joined.start();
  return {
    ...{ world, link, posts, msgin5g, joined },
    async [Symbol.asyncDispose]() {
      await joined.stop();
      await world[Symbol.asyncDispose]();
    },
  };
}

/** CON POST /msgin5g, Content-Format 50, with this Message ID. */
const post = (messageId: string, json: string) =>
  Uint8Array.from([...hex(`44 02 ${messageId} 01020304 b7 6d7367696e3567 11 32 ff`), ...utf8(json)]);

const msg = '{"msgType":"MSG","msgId":"7","destAddr":{"addrType":"AS","addr":"as-1"},"payload":"21.5"}';

test('octets of a device become a message at the server, and the server its octets at the device', async () => {
  await using site = await openSite();
  const { link, msgin5g } = site;
  link.receive(post('1001', valveReg));
  await until(() => link.out.length === 1);
  link.receive(post('1002', msg));
  await until(() => site.posts.length === 1);
  expect(site.posts[0]).toMatchObject({
    msgType: 'MSG',
    oriAddr: { addr: gatewayId },
    appId: 'heat',
    msgId: 'valve-1/7',
    payload: '21.5',
  });

  const down =
    '{"msgType":"MSG","oriAddr":{"addrType":"AS","addr":"as-1"},"destAddr":{"addrType":"UE","addr":"ue-gateway-1@example.com"},"appId":"heat","msgId":"m1","stoAndFwInd":false,"delivStReqInd":true,"payload":"close"}';
  expect((await msgin5g.sessionUser.onRequest(incoming(down))).code).toBe(0x44);
  await until(() => link.out.length === 3);
  const request = hex(link.out[2]!);
  // Ver 1, CON, the token of the gateway's making, POST
  expect(request[0]! >> 4).toBe(4);
  expect(request[1]).toBe(0x02);
  const tokenOctets = request[0]! & 0x0f;
  // ACK 2.04 with the Message ID and token of the request, Content-Format 50
  const answer = [
    0x60 | tokenOctets,
    0x44,
    ...request.slice(2, 4 + tokenOctets),
    ...hex('c1 32 ff'),
    ...utf8('{"msgType":"MSGRESP","msgId":"m1"}'),
  ];
  link.receive(Uint8Array.from(answer));
  await until(() => site.posts.length === 2);
  expect(site.posts[1]).toEqual({
    msgType: 'IMDN',
    oriAddr: { addrType: 'UE', addr: gatewayId },
    destAddr: { addrType: 'AS', addr: 'as-1' },
    msgId: 'm1',
    delivSt: 'REPT_DELY_SUCCESS',
  });
  await until(() => msgin5g.counters.snapshot().acknowledged === 2);
  expect(msgin5g.counters.snapshot()).toMatchObject({ up: 1, down: 1, delivered: 1, failed: 0, refused: {} });
});

test('a site that is stopped leaves no timer of its own', async () => {
  await using site = await openSite();
  await site.joined.stop();
  expect(site.world.clock.pending).toBe(0);
});
