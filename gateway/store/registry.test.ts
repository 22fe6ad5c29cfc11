import { expect, test } from 'vitest';
import { aDevice, anEvent, openTestStore } from './test-store.ts';

const meter = aDevice({ layer2Id: 'meter-1', appId: 'app-1' });
const registered = { ...meter, registered: true, linkId: 'udp', address: '127.0.0.1:40001', registeredAtMs: 5_000 };

test('a registration is found by its application and its place, in memory and after a restart', async () => {
  await using disk = await openTestStore();
  await disk.store.registry.save(meter, [anEvent('device.added')]);
  expect(disk.store.registry.byAppId('app-1')).toBeUndefined();
  await disk.store.registry.save(registered, [anEvent('device.registered')]);
  await using again = await disk.reopen();
  for (const { registry } of [disk.store, again.store]) {
    expect(registry.all()).toHaveLength(1);
    expect(registry.find('meter-1', 'app-1')).toMatchObject({ registered: true, registeredAtMs: 5_000 });
    expect(registry.byAppId('app-1')).toMatchObject({ layer2Id: 'meter-1' });
    expect(registry.at('udp', '127.0.0.1:40001')).toHaveLength(1);
    expect(registry.at('udp', '127.0.0.1:40002')).toEqual([]);
  }
});

test('what was never there is absent after a restart, not null', async () => {
  await using disk = await openTestStore();
  await disk.store.registry.save(meter, []);
  await using again = await disk.reopen();
  const [device] = again.store.registry.all();
  expect({ ...device, credentialHash: [...device!.credentialHash] }).toEqual({
    ...meter,
    credentialHash: Array(32).fill(0),
  });
});

test('memory follows the disk: the registry knows a device only when the commit is done', async () => {
  await using disk = await openTestStore();
  const saved = disk.store.registry.save(registered, []);
  expect(disk.store.registry.find('meter-1', 'app-1')).toBeUndefined();
  await saved;
  expect(disk.store.registry.find('meter-1', 'app-1')).toBeDefined();
});

test('of two devices that race for one application ID one is registered and the other told, with no audit row', async () => {
  await using disk = await openTestStore();
  const { registry } = disk.store;
  const results = await Promise.all(
    ['meter-1', 'meter-2', 'meter-3'].map(layer2Id =>
      registry.save({ ...registered, layer2Id }, [
        anEvent('device.registered', { object: `device:${layer2Id}/app-1` }),
      ]),
    ),
  );
  expect(results.map(result => result.applied)).toEqual([true, false, false]);
  expect(registry.byAppId('app-1')?.layer2Id).toBe('meter-1');
  expect(registry.all()).toHaveLength(1);
  expect(await disk.store.recentAudit(10)).toHaveLength(1);
});

test('a device may register again, from another place', async () => {
  await using disk = await openTestStore();
  const { registry } = disk.store;
  await registry.save(registered, []);
  expect(await registry.save({ ...registered, address: '127.0.0.1:50002' }, [])).toMatchObject({ applied: true });
  expect(registry.at('udp', '127.0.0.1:40001')).toEqual([]);
  expect(registry.at('udp', '127.0.0.1:50002')).toHaveLength(1);
});

test('an application ID is free again when its device de-registers', async () => {
  await using disk = await openTestStore();
  const { registry } = disk.store;
  await registry.save(registered, []);
  await registry.save(meter, [anEvent('device.deregistered')]);
  expect(registry.byAppId('app-1')).toBeUndefined();
  expect(await registry.save({ ...registered, layer2Id: 'meter-2' }, [])).toMatchObject({ applied: true });
  expect(registry.byAppId('app-1')?.layer2Id).toBe('meter-2');
});

test('several applications share one place', async () => {
  await using disk = await openTestStore();
  const { registry } = disk.store;
  await registry.save(registered, []);
  await registry.save({ ...registered, appId: 'app-2' }, []);
  expect(registry.at('udp', '127.0.0.1:40001').map(device => device.appId)).toEqual(['app-1', 'app-2']);
  await registry.save(meter, []);
  expect(registry.at('udp', '127.0.0.1:40001').map(device => device.appId)).toEqual(['app-2']);
});
