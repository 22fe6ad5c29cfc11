import type { Clock } from '../base/clock.ts';
import type { Credentials } from '../store/credential.ts';
import type { Device, Registry } from '../store/types.ts';
import { auditEvent, deviceObject, type Peer } from './audit.ts';
import { Refusal } from './refusal.ts';
import type { Dereg, Reg } from './types.ts';

/** Where a device is: what one CoAP endpoint of one link is called on disk. */
export interface Place {
  readonly linkId: string;
  readonly address: string;
}

export interface RegistrationOptions {
  readonly registry: Registry;
  readonly credentials: Pick<Credentials, 'matches'>;
  readonly clock: Clock;
}

export interface Registrations {
  /** Resolves when the registration is on disk, or with why it is not done. Rejects when the store fails. */
  register(reg: Reg, place: Place, peer: Peer): Promise<Refusal | undefined>;
  deregister(dereg: Dereg, place: Place, peer: Peer): Promise<Refusal | undefined>;
}

/**
 * Registration of devices. TS 24.538 §6.3.2.2.
 *
 * The credential says who a device is; the place only says where it is now. So a device that comes with its credential
 * from another place has moved, and needs nobody's leave. A place speaks for one Layer-2 ID: when another device proves
 * itself there (a unit exchanged on a port, an address given out anew), the registrations of the one before end, or its
 * messages would reach a stranger. De-registration carries no credential, hence only the place of the registration may ask for it.
 */
export function createRegistrations({ registry, credentials, clock }: RegistrationOptions): Registrations {
  // One at a time for a place: two devices that come to it together must not both stay.
  const inTurn = createTurns();

  async function register(reg: Reg, place: Place, peer: Peer): Promise<Refusal | undefined> {
    const device = registry.find(reg.layer2Id, reg.appId);
    // An unknown device is compared too, so that the time of the answer does not tell who is on the list.
    const isAuthorised = credentials.matches(reg.credential, device?.credentialHash);
    if (!device || !isAuthorised)
      return new Refusal('NOT_AUTHORIZED', 'the device is not on the allow-list, or its credential is another');
    const inUse = () => new Refusal('APP_ID_IN_USE', `appId: ${reg.appId} is registered by another device`);
    const holder = registry.byAppId(reg.appId);
    if (holder && holder.layer2Id !== reg.layer2Id) return inUse();

    for (const before of registry.at(place.linkId, place.address)) {
      if (before.layer2Id === reg.layer2Id) continue;
      const reason = `${reg.layer2Id} registered from the same place`;
      await registry.save(unregistered(before), [
        auditEvent(clock, 'device.deregistered', peer, { object: deviceObject(before), reason, before: facts(before) }),
      ]);
    }
    const now: Device = {
      ...device,
      registered: true,
      linkId: place.linkId,
      address: place.address,
      registeredAtMs: clock.wallMs(),
    };
    const { applied } = await registry.save(now, [
      auditEvent(clock, 'device.registered', peer, {
        object: deviceObject(device),
        before: facts(device),
        after: facts(now),
      }),
    ]);
    return applied ? undefined : inUse();
  }

  async function deregister(dereg: Dereg, place: Place, peer: Peer): Promise<Refusal | undefined> {
    const device = registry.find(dereg.layer2Id, dereg.appId);
    if (!device?.registered)
      return new Refusal('NOT_REGISTERED', `${dereg.layer2Id} is not registered for ${dereg.appId}`);
    if (device.linkId !== place.linkId || device.address !== place.address) {
      return new Refusal(
        'ID_MISMATCH',
        `${dereg.layer2Id} is registered from another place; it has to register here first`,
      );
    }
    const now = unregistered(device);
    await registry.save(now, [
      auditEvent(clock, 'device.deregistered', peer, {
        object: deviceObject(device),
        before: facts(device),
        after: facts(now),
      }),
    ]);
    return undefined;
  }

  return {
    register: (reg, place, peer) => inTurn(`${place.linkId} ${place.address}`, () => register(reg, place, peer)),
    deregister: (dereg, place, peer) =>
      inTurn(`${place.linkId} ${place.address}`, () => deregister(dereg, place, peer)),
  };
}

function unregistered(device: Device): Device {
  return { ...device, registered: false, linkId: undefined, address: undefined };
}

function facts(device: Device): Record<string, string | boolean | null> {
  return { registered: device.registered, linkId: device.linkId ?? null, address: device.address ?? null };
}

/** Runs acts of one key one after the other. A failed act does not hold up the next. */
function createTurns(): <T>(key: string, act: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return (key, act) => {
    const mine = (last.get(key) ?? Promise.resolve()).then(act, act);
    last.set(key, mine);
    const done = () => {
      if (last.get(key) === mine) last.delete(key);
    };
    mine.then(done, done);
    return mine;
  };
}
