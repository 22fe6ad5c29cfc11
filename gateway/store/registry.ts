import type { SqlRow, SqlValue } from './sql.ts';
import { deviceOfRow } from './rows.ts';
import type { QueryName } from './statements.ts';
import type { AuditEvent, Change, CommitResult, Device, Registry } from './types.ts';
import { saveDevice } from './writes.ts';

/** What registry and outbox need of the store: its two ways to the disk. */
export interface Disk {
  commit(change: Change): Promise<CommitResult>;
  query(name: QueryName, values: readonly SqlValue[]): Promise<readonly SqlRow[]>;
}

/** The devices in memory, indexed for each question the hot path asks. */
export class DeviceRegistry implements Registry {
  readonly #disk: Disk;
  readonly #devices = new Map<string, Device>();
  readonly #byAppId = new Map<string, Device>();
  readonly #byPlace = new Map<string, Device[]>();

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  async load(): Promise<void> {
    const rows = await this.#disk.query('devices', []);
    for (const map of [this.#devices, this.#byAppId, this.#byPlace]) map.clear();
    for (const row of rows) this.#remember(deviceOfRow(row));
  }

  all(): readonly Device[] {
    return [...this.#devices.values()];
  }

  find(layer2Id: string, appId: string): Device | undefined {
    return this.#devices.get(keyOf(layer2Id, appId));
  }

  byAppId(appId: string): Device | undefined {
    return this.#byAppId.get(appId);
  }

  at(linkId: string, address: string): readonly Device[] {
    return this.#byPlace.get(keyOf(linkId, address)) ?? [];
  }

  async save(device: Device, audit: readonly AuditEvent[]): Promise<CommitResult> {
    const result = await this.#disk.commit({ writes: [saveDevice(device)], audit, guarded: true });
    if (result.applied) this.#remember(device);
    return result;
  }

  #remember(device: Device): void {
    const key = keyOf(device.layer2Id, device.appId);
    const before = this.#devices.get(key);
    if (before?.registered) this.#unregister(before);
    this.#devices.set(key, device);
    if (!device.registered) return;
    this.#byAppId.set(device.appId, device);
    const place = placeOf(device);
    if (place !== undefined) this.#byPlace.set(place, [...(this.#byPlace.get(place) ?? []), device]);
  }

  #unregister(device: Device): void {
    this.#byAppId.delete(device.appId);
    const place = placeOf(device);
    if (place === undefined) return;
    const others = (this.#byPlace.get(place) ?? []).filter(other => other !== device);
    if (others.length > 0) this.#byPlace.set(place, others);
    else this.#byPlace.delete(place);
  }
}

function placeOf(device: Device): string | undefined {
  if (device.linkId === undefined || device.address === undefined) return undefined;
  return keyOf(device.linkId, device.address);
}

/** Unambiguous, since no length of one part can look like the other. */
function keyOf(first: string, second: string): string {
  return `${first.length}:${first}${second}`;
}
