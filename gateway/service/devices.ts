import type { ApiContract, DeviceRecord, DeviceState } from '../../api/contract.ts';
import type { Handlers } from '../../api/rpc.ts';
import type { Device } from '../store/types.ts';
import type { Source, StoreReader } from './source.ts';

export function devicesSection(source: Source): Pick<Handlers<ApiContract>, 'devices.list'> {
  const records = deviceRecords(source);
  return {
    'devices.list'({ limit, after }) {
      const all = records();
      const from = after === undefined ? 0 : all.findIndex(({ key }) => key === after) + 1;
      return { devices: all.slice(from, from + limit), total: all.length };
    },
  };
}

/** All devices as records, the same object for as long as nothing about a device changed. */
export function deviceRecords({ store, links }: Source): () => DeviceRecord[] {
  const made = new WeakMap<Device, DeviceRecord>();
  return () => {
    const openLinks = new Set(links.filter(link => link.status().state === 'open').map(link => link.id));
    return store.registry.all().map(device => {
      const state = stateOf(device, openLinks);
      const before = made.get(device);
      if (before?.state === state) return before;
      const record = deviceRecord(device, state);
      made.set(device, record);
      return record;
    });
  };
}

/** The name of the device that an audit object (`device:<layer2Id>/<appId>`) or actor (`device:<layer2Id>`) is. */
export function nameOfDevice(registry: StoreReader['registry'], ...references: readonly string[]): string | undefined {
  for (const reference of references) {
    if (!reference.startsWith('device:')) continue;
    const named = reference.slice('device:'.length);
    const device = registry.all().find(({ layer2Id, appId }) => named === `${layer2Id}/${appId}` || named === layer2Id);
    if (device) return device.name;
  }
  return undefined;
}

/** Field by field, so that the hash of the credential stays where it is. */
function deviceRecord(device: Device, state: DeviceState): DeviceRecord {
  const { layer2Id, appId, name, linkId, address, registeredAtMs, ueServiceId } = device;
  return { key: `${layer2Id}/${appId}`, name, layer2Id, appId, state, linkId, address, registeredAtMs, ueServiceId };
}

function stateOf({ registered, linkId, registeredAtMs }: Device, openLinks: ReadonlySet<string>): DeviceState {
  if (registered) return linkId !== undefined && openLinks.has(linkId) ? 'registered' : 'link-lost';
  return registeredAtMs === undefined ? 'absent' : 'deregistered';
}
