import { expect, test } from 'vitest';
import { hex } from '../base/bytes.ts';
import { Secret } from '../base/secret.ts';
import { credentialsUnder } from '../store/credential.ts';
import { openTestStore, type TestStore } from '../store/test-store.ts';
import { applyAllowList, isListed, type ListedDevice } from './allow-list.ts';

const credentials = credentialsUnder(new Secret(hex('00'.repeat(32))));
const meter: ListedDevice = {
  name: 'meter',
  layer2Id: '0a0001',
  appId: 'metering',
  credential: 'first',
  originator: 'gateway',
};

function apply({ store, clock }: TestStore, devices: readonly ListedDevice[]): Promise<void> {
  return applyAllowList(devices, { registry: store.registry, credentials, clock });
}

async function register({ store }: TestStore): Promise<void> {
  const device = store.registry.find('0a0001', 'metering')!;
  await store.registry.save(
    { ...device, registered: true, linkId: 'udp', address: '127.0.0.1:1', registeredAtMs: 1 },
    [],
  );
}

const actions = async ({ store }: TestStore): Promise<string[]> =>
  (await store.recentAudit(20)).map(row => (JSON.parse(row.body) as { action: string }).action).reverse();

test('a listed device is known by the hash of its credential, not by the credential', async () => {
  await using disk = await openTestStore();
  await apply(disk, [meter]);
  const device = disk.store.registry.find('0a0001', 'metering')!;
  expect(device).toMatchObject({ name: 'meter', registered: false });
  expect(credentials.matches('first', device.credentialHash)).toBe(true);
  const rows = await disk.store.recentAudit(10);
  expect(rows.map(row => row.body).join()).not.toContain('first');
});

test('the same list again changes nothing and writes nothing', async () => {
  await using disk = await openTestStore();
  await apply(disk, [meter]);
  await register(disk);
  await apply(disk, [meter]);
  expect(disk.store.registry.byAppId('metering')).toMatchObject({ registered: true, address: '127.0.0.1:1' });
  expect(await actions(disk)).toEqual(['device.added']);
});

test('another name keeps the registration', async () => {
  await using disk = await openTestStore();
  await apply(disk, [meter]);
  await register(disk);
  await apply(disk, [{ ...meter, name: 'meter north' }]);
  expect(disk.store.registry.byAppId('metering')).toMatchObject({ registered: true, name: 'meter north' });
  expect(await actions(disk)).toEqual(['device.added', 'device.changed']);
});

test('another credential ends the registration', async () => {
  await using disk = await openTestStore();
  await apply(disk, [meter]);
  await register(disk);
  await apply(disk, [{ ...meter, credential: 'second' }]);
  expect(disk.store.registry.byAppId('metering')).toBeUndefined();
});

test('a device off the list may not attach any more, and may when it is listed again', async () => {
  await using disk = await openTestStore();
  await apply(disk, [meter]);
  await register(disk);
  await apply(disk, []);
  const gone = disk.store.registry.find('0a0001', 'metering')!;
  expect(gone.registered).toBe(false);
  expect(isListed(gone)).toBe(false);
  expect(credentials.matches('first', gone.credentialHash)).toBe(false);
  await apply(disk, []);
  await apply(disk, [meter]);
  expect(credentials.matches('first', disk.store.registry.find('0a0001', 'metering')!.credentialHash)).toBe(true);
  expect(await actions(disk)).toEqual(['device.added', 'device.removed', 'device.changed']);
});
