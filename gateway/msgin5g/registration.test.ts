import { expect, test } from 'vitest';
import { meterPlace, meterReg, openWorld, valvePlace, valveReg } from './test-world.ts';

const elsewhere = { linkId: 'lab-udp', address: '127.0.0.1:40009' };

test('a device on the allow-list registers, and is on disk when the answer comes', async () => {
  await using world = await openWorld();
  expect(await world.device(meterReg)).toMatchObject({ code: '2.01', body: { result: true } });
  const reopened = await world.disk.reopen();
  expect(reopened.store.registry.byAppId('water')).toMatchObject({
    layer2Id: 'meter-1',
    registered: true,
    ...meterPlace,
  });
  await reopened.store.close();
});

test('its registration is in the audit trail, and its credential nowhere', async () => {
  await using world = await openWorld();
  await world.device(meterReg);
  const [row] = await world.audit();
  expect(row).toMatchObject({
    action: 'device.registered',
    actor: 'device:meter-1',
    from: 'lab-serial port',
    object: 'device:meter-1/water',
    result: 'ok',
    before: { registered: false, linkId: null, address: null },
    after: { registered: true, linkId: 'lab-serial', address: 'port' },
  });
  expect(JSON.stringify(await world.audit())).not.toContain('sesame');
});

test.each([
  ['an unknown device', '{"msgType":"REG","layer2Id":"nobody","appId":"water","credential":"open sesame"}'],
  [
    'a known device with an application that is not its own',
    '{"msgType":"REG","layer2Id":"meter-1","appId":"heat","credential":"open sesame"}',
  ],
  [
    'a known device with another credential',
    '{"msgType":"REG","layer2Id":"meter-1","appId":"water","credential":"open sesam"}',
  ],
])('%s is refused with 4.03 and no word about which it was', async (_who, json) => {
  await using world = await openWorld();
  const answer = await world.device(json);
  expect(answer).toMatchObject({
    code: '4.03',
    body: {
      result: false,
      cause: 'NOT_AUTHORIZED',
      detail: 'the device is not on the allow-list, or its credential is another',
    },
  });
  expect(world.store.registry.all().some(device => device.registered)).toBe(false);
});

test('a refused registration is counted, and noted without its credential', async () => {
  await using world = await openWorld();
  await world.device('{"msgType":"REG","layer2Id":"meter-1","appId":"water","credential":"guess work"}');
  expect(world.counters.snapshot().refused).toEqual({ NOT_AUTHORIZED: 1 });
  expect(world.noted).toMatchObject([
    { action: 'device.refused', actor: 'lab-serial port', object: 'device:meter-1/water', reason: 'NOT_AUTHORIZED' },
  ]);
  expect(JSON.stringify(world.noted)).not.toContain('guess');
});

test('an application ID is registered once: the second device gets APP_ID_IN_USE', async () => {
  await using world = await openWorld();
  await world.device(meterReg);
  const second = '{"msgType":"REG","layer2Id":"meter-2","appId":"water","credential":"second meter"}';
  expect(await world.device(second, elsewhere)).toMatchObject({
    code: '4.03',
    body: { result: false, cause: 'APP_ID_IN_USE' },
  });
  expect(world.store.registry.byAppId('water')?.layer2Id).toBe('meter-1');
});

test('of two devices that ask for one application ID together, one gets it', async () => {
  await using world = await openWorld();
  const second = '{"msgType":"REG","layer2Id":"meter-2","appId":"water","credential":"second meter"}';
  const answers = await Promise.all([world.device(meterReg), world.device(second, elsewhere)]);
  expect(answers.map(({ code }) => code).sort()).toEqual(['2.01', '4.03']);
  expect(world.store.registry.all().filter(device => device.registered)).toHaveLength(1);
});

test('a device that comes back from another place has moved there', async () => {
  await using world = await openWorld();
  await world.device(valveReg, valvePlace);
  expect(await world.device(valveReg, elsewhere)).toMatchObject({ code: '2.01' });
  expect(world.store.registry.byAppId('heat')).toMatchObject(elsewhere);
  expect(world.store.registry.at(valvePlace.linkId, valvePlace.address)).toEqual([]);
  expect(await world.device('{"msgType":"MSG","payload":"x"}', valvePlace)).toMatchObject({ code: '4.04' });
});

test('a device may register again from the same place', async () => {
  await using world = await openWorld();
  await world.device(meterReg);
  expect(await world.device(meterReg)).toMatchObject({ code: '2.01' });
  expect(world.store.registry.at('lab-serial', 'port')).toHaveLength(1);
});

test('one device may register several applications at its place', async () => {
  await using world = await openWorld();
  await world.device(meterReg);
  await world.device(meterReg.replace('water', 'water-alarm'));
  expect(
    world.store.registry
      .at('lab-serial', 'port')
      .map(({ appId }) => appId)
      .sort(),
  ).toEqual(['water', 'water-alarm']);
});

test('another device that proves itself at a place ends the registrations of the one before', async () => {
  await using world = await openWorld();
  await world.device(meterReg);
  expect(
    await world.device('{"msgType":"REG","layer2Id":"meter-2","appId":"gas","credential":"second meter"}'),
  ).toMatchObject({ code: '2.01' });
  expect(world.store.registry.at('lab-serial', 'port').map(({ layer2Id }) => layer2Id)).toEqual(['meter-2']);
  expect(await world.audit()).toContainEqual(
    expect.objectContaining({
      action: 'device.deregistered',
      object: 'device:meter-1/water',
      actor: 'device:meter-2',
      reason: 'meter-2 registered from the same place',
    }),
  );
});

test('of two devices that come to one place together, one stays', async () => {
  await using world = await openWorld();
  await Promise.all([
    world.device(valveReg),
    world.device('{"msgType":"REG","layer2Id":"meter-2","appId":"gas","credential":"second meter"}'),
  ]);
  expect(world.store.registry.at('lab-serial', 'port')).toHaveLength(1);
});

const dereg = '{"msgType":"DEREG","layer2Id":"meter-1","appId":"water"}';

test('a device de-registers', async () => {
  await using world = await openWorld();
  await world.device(meterReg);
  expect(await world.device(dereg)).toMatchObject({ code: '2.04', body: { result: true } });
  expect(world.store.registry.byAppId('water')).toBeUndefined();
});

test('de-registration of what is not registered is 4.04', async () => {
  await using world = await openWorld();
  expect(await world.device(dereg)).toMatchObject({ code: '4.04', body: { result: false, cause: 'NOT_REGISTERED' } });
});

test('nobody de-registers a device from another place', async () => {
  await using world = await openWorld();
  await world.device(meterReg);
  expect(await world.device(dereg, elsewhere)).toMatchObject({
    code: '4.03',
    body: { result: false, cause: 'ID_MISMATCH' },
  });
  expect(world.store.registry.byAppId('water')).toBeDefined();
});
