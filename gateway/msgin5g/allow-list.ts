import type { Clock } from '../base/clock.ts';
import type { Credentials } from '../store/credential.ts';
import type { AuditAction, AuditFacts, Device, Registry } from '../store/types.ts';
import { auditEvent, deviceObject, program } from './audit.ts';

/** One device as configuration names it. TS 24.538 §6.3.2.2: the gateway is configured with what it recognises devices by. */
export interface ListedDevice {
  readonly name: string;
  readonly layer2Id: string;
  readonly appId: string;
  readonly credential: string;
  readonly originator: 'gateway' | 'device';
  readonly ueServiceId?: string;
}

/** What a device that was taken off the list has for a hash: it matches no credential. */
const noCredential = new Uint8Array(0);

/**
 * Brings the registry to the configured allow-list. A registration lives on unless its device left the list or got
 * another credential: what it proved then it has not proved now.
 */
export async function applyAllowList(
  listed: readonly ListedDevice[],
  { registry, credentials, clock }: { registry: Registry; credentials: Credentials; clock: Clock },
): Promise<void> {
  const save = async (device: Device, action: AuditAction): Promise<void> => {
    const audit = auditEvent(clock, action, program, { object: deviceObject(device), after: facts(device) });
    await registry.save(device, [audit]);
  };
  const kept = new Set<string>();
  for (const { credential, ...identity } of listed) {
    kept.add(deviceObject(identity));
    const before = registry.find(identity.layer2Id, identity.appId);
    const credentialHash = credentials.hash(credential);
    const isSameCredential = before !== undefined && Buffer.compare(before.credentialHash, credentialHash) === 0;
    if (!before) await save({ ...identity, credentialHash, registered: false }, 'device.added');
    else if (!isSameCredential)
      await save({ ...before, ...identity, credentialHash, registered: false }, 'device.changed');
    else if (differs(before, identity)) await save({ ...before, ...identity }, 'device.changed');
  }
  for (const device of registry.all()) {
    if (kept.has(deviceObject(device)) || !isListed(device)) continue;
    await save({ ...device, credentialHash: noCredential, registered: false }, 'device.removed');
  }
}

/** Whether a device may attach; one that left the list stays in the registry for its history. */
export function isListed(device: Device): boolean {
  return device.credentialHash.length > 0;
}

function differs(before: Device, identity: Omit<ListedDevice, 'credential'>): boolean {
  return (
    before.name !== identity.name ||
    before.originator !== identity.originator ||
    before.ueServiceId !== identity.ueServiceId
  );
}

function facts(device: Device): AuditFacts {
  return { name: device.name, originator: device.originator, registered: device.registered };
}
