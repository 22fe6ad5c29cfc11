import type { Clock } from '../base/clock.ts';
import { codeOf } from '../base/errors.ts';
import { errorFacts, type Log } from '../base/log.ts';
import { status } from '../coap/codes.ts';
import type { CoapResponse, IncomingRequest } from '../coap/types.ts';
import type { Credentials } from '../store/credential.ts';
import type { AuditAction, Device, Refusals, Store } from '../store/types.ts';
import { auditEvent, deviceObject, messageObject, type Peer } from './audit.ts';
import { bareResponse, jsonResponse, refusalResponse, refuseAtDoor } from './coap-json.ts';
import type { MessageCounters } from './counters.ts';
import { decodeDeviceRequest } from './decode.ts';
import { malformed } from './json.ts';
import { createMessageIntake } from './message-intake.ts';
import type { MessageOwners } from './message-owners.ts';
import type { Profile } from './profile.ts';
import { Refusal } from './refusal.ts';
import { createRegistrations, type Place } from './registration.ts';
import { createReports, isEnded } from './reports.ts';
import type { Dereg, DeviceMsg, DeviceRequest, Imdn, Reg } from './types.ts';

export interface DeviceServiceOptions {
  readonly store: Pick<Store, 'registry' | 'outbox'>;
  readonly profile: Profile;
  /** Of `gateway/store/credential.ts`: compares in constant time. */
  readonly credentials: Pick<Credentials, 'matches'>;
  readonly clock: Clock;
  readonly counters: MessageCounters;
  readonly refusals: Pick<Refusals, 'note'>;
  readonly owners: MessageOwners;
  readonly log: Log;
}

export interface DeviceService {
  /** Answers one request of a device. Resolves after the commit of what it asks for; never rejects. */
  handle(place: Place, request: IncomingRequest): Promise<CoapResponse>;
  /** Called with its Application ID when a registered device was heard: it is awake. */
  onHeard(listener: (appId: string) => void): () => void;
}

/** MSGin5G-5: what devices ask of the gateway, POST on one path. TS 24.538 §6.3.2.2, §6.4.2, Annex A.3. */
export function createDeviceService(options: DeviceServiceOptions): DeviceService {
  const { profile, clock, counters, refusals, log } = options;
  const { registry, outbox } = options.store;
  const registrations = createRegistrations({ registry, credentials: options.credentials, clock });
  const reports = createReports({ outbox, registry, profile, clock });
  const intake = createMessageIntake({ outbox, profile, clock, owners: options.owners });
  const listeners = new Set<(appId: string) => void>();

  type Act<Request> = (asked: Request, place: Place, request: IncomingRequest) => Promise<CoapResponse | Refusal>;

  const reg: Act<Reg> = async (asked, place) => {
    const refusal = await registrations.register(asked, place, peerAt(place, asked));
    if (refusal) return refusal;
    heard(asked.appId);
    return jsonResponse(status.created, profile.deviceElements.encode({ result: true }));
  };

  const dereg: Act<Dereg> = async (asked, place) => {
    const refusal = await registrations.deregister(asked, place, peerAt(place, asked));
    return refusal ?? jsonResponse(status.changed, profile.deviceElements.encode({ result: true }));
  };

  const msg: Act<DeviceMsg> = async (asked, place, request) => {
    const device = deviceOf(asked, place);
    if (device instanceof Refusal) return device;
    const destAddr = asked.destAddr ?? profile.defaultDestination;
    if (!destAddr) return malformed('destAddr', 'is missing, and no default destination is configured');
    if (outbox.depth('up') >= profile.maxQueued) {
      return new Refusal('CONGESTION', `${profile.maxQueued} messages wait for the server`, {
        maxAgeSeconds: profile.busyMaxAgeSeconds,
      });
    }
    const peer = peerAt(place, device);
    const { messageId, isNew } = await intake.accept(asked, device, destAddr, request, peer);
    if (isNew) {
      counters.count('up');
      counters.onLink(place.linkId, 'up');
    } else repeated(messageId, device, peer);
    heard(device.appId);
    return jsonResponse(status.changed, profile.deviceElements.encode({ msgType: 'MSGRESP', msgId: messageId }));
  };

  /** The device's own report about a message it was given. */
  const imdn: Act<Imdn> = async (asked, place) => {
    const here = registry.at(place.linkId, place.address);
    if (here.length === 0) return notRegistered();
    const message = await outbox.find('down', asked.destAddr.addr, asked.msgId);
    const device = here.find(each => each.appId === message?.appId);
    if (!message || !device)
      return new Refusal('MALFORMED', 'msgId: no message to this device has it', { code: status.notFound });
    const peer = peerAt(place, device);
    if (isEnded(message)) repeated(message.messageId, device, peer);
    else await reports.end(message, { delivSt: asked.delivSt, cause: asked.failureCause }, peer);
    heard(device.appId);
    return bareResponse(status.changed);
  };

  // Each act takes the request of its own type, which `msgType` picks; the table cannot say so.
  const acts = { REG: reg, DEREG: dereg, MSG: msg, IMDN: imdn } as Readonly<
    Record<DeviceRequest['msgType'], Act<DeviceRequest>>
  >;

  async function handle(place: Place, request: IncomingRequest): Promise<CoapResponse> {
    const asked =
      refuseAtDoor(request, profile.uriPath, profile.maxDeviceRequestOctets) ??
      decodeDeviceRequest(request.payload, profile.deviceElements);
    if (asked instanceof Refusal) return refuse(asked, place);
    let answer: CoapResponse | Refusal;
    try {
      answer = await acts[asked.msgType](asked, place, request);
    } catch (error) {
      // The store tells of its outage once; a line for each request would help to fill the disk.
      const isOutage = codeOf(error).startsWith('store.');
      log[isOutage ? 'debug' : 'warn']('a request of a device could not be stored', { ...errorFacts(error), ...place });
      answer = new Refusal('INTERNAL', 'the gateway cannot store it now', {
        code: status.serviceUnavailable,
        maxAgeSeconds: profile.busyMaxAgeSeconds,
      });
    }
    return answer instanceof Refusal ? refuse(answer.of(asked.msgType), place, asked) : answer;
  }

  function refuse(refusal: Refusal, place: Place, asked?: DeviceRequest): CoapResponse {
    counters.refused(refusal.cause);
    const peer = peerAt(place, registry.at(place.linkId, place.address)[0]);
    const object = asked && 'layer2Id' in asked ? deviceObject(asked) : peer.actor;
    const told = { object, result: 'refused', reason: refusal.cause, after: { detail: refusal.sentence } } as const;
    refusals.note(auditEvent(clock, actionOf(refusal, asked), peer, told));
    return refusalResponse(refusal, profile.deviceElements, asked && 'msgId' in asked ? asked.msgId : undefined);
  }

  function repeated(messageId: string, { appId }: Device, peer: Peer): void {
    counters.count('repeated');
    const told = { object: messageObject(messageId), reason: 'Message ID seen before', after: { appId } };
    refusals.note(auditEvent(clock, 'message.duplicate', peer, told));
  }

  /** Whose message it is: the device registered here, by its Application ID when there are several. */
  function deviceOf({ appId }: DeviceMsg, place: Place): Device | Refusal {
    const here = registry.at(place.linkId, place.address);
    if (here.length === 0) return notRegistered();
    if (appId !== undefined) return here.find(device => device.appId === appId) ?? notRegistered(appId);
    return here.length === 1 ? here[0]! : malformed('appId', `is missing, and ${here.length} are registered here`);
  }

  /** After the answer is on its way: a small device does one thing at a time. */
  function heard(appId: string): void {
    setImmediate(() => {
      for (const listener of listeners) listener(appId);
    });
  }

  return {
    handle,
    onHeard(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** What a refusal is in the audit trail: of a peer nobody knows, of a registration, of a message, or of what could not be read. */
function actionOf({ cause }: Refusal, asked: DeviceRequest | undefined): AuditAction {
  if (!asked) return 'peer.malformed';
  if ('layer2Id' in asked) return 'device.refused';
  return cause === 'NOT_REGISTERED' ? 'peer.unknown' : 'message.refused';
}

function notRegistered(appId?: string): Refusal {
  return new Refusal(
    'NOT_REGISTERED',
    appId === undefined ? 'no device is registered from here' : `appId: ${appId} is not registered from here`,
  );
}

function peerAt({ linkId, address }: Place, device?: { layer2Id: string }): Peer {
  const from = `${linkId} ${address}`;
  return { actor: device ? `device:${device.layer2Id}` : from, from };
}
