import type { Clock } from '../base/clock.ts';
import { codeOf } from '../base/errors.ts';
import { errorFacts, type Log } from '../base/log.ts';
import { status } from '../coap/codes.ts';
import type { CoapResponse, IncomingRequest } from '../coap/types.ts';
import type { Device, Message, Refusals, Store } from '../store/types.ts';
import { auditEvent, messageObject, server } from './audit.ts';
import { bareResponse, jsonResponse, refusalResponse, refuseAtDoor } from './coap-json.ts';
import type { MessageCounters } from './counters.ts';
import { decodeServerRequest } from './decode.ts';
import { readWireMessageId } from './message-id.ts';
import type { MessageOwners } from './message-owners.ts';
import type { Profile } from './profile.ts';
import { Refusal } from './refusal.ts';
import { createReports, isEnded } from './reports.ts';
import { downMessage, oriAddrOf } from './rows.ts';
import { deliveryFailed, deliverySucceeded, messageFailed, type Imdn, type Msg, type ServerRequest } from './types.ts';

export interface ServerInboundOptions {
  readonly store: Pick<Store, 'registry' | 'outbox'>;
  readonly profile: Profile;
  readonly clock: Clock;
  readonly counters: MessageCounters;
  readonly refusals: Pick<Refusals, 'note'>;
  readonly owners: MessageOwners;
  readonly log: Log;
}

/** What the server asks of the gateway: messages for its devices, and reports about theirs. Answered after the commit. */
export function createServerInbound(options: ServerInboundOptions): {
  handle(request: IncomingRequest): Promise<CoapResponse>;
} {
  const { profile, clock, counters, refusals, owners, log } = options;
  const { registry, outbox } = options.store;
  const reports = createReports({ outbox, registry, profile, clock });

  async function handle(request: IncomingRequest): Promise<CoapResponse> {
    const asked =
      refuseAtDoor(request, profile.uriPath, profile.maxServerRequestOctets) ??
      decodeServerRequest(request.payload, profile.serverElements);
    if (asked instanceof Refusal) return refuse(asked);
    try {
      const answer = await (asked.msgType === 'MSG' ? onMsg(asked, request.payload.length) : onImdn(asked));
      return answer instanceof Refusal ? refuse(answer.of(asked.msgType), asked) : answer;
    } catch (error) {
      const isOutage = codeOf(error).startsWith('store.');
      log[isOutage ? 'debug' : 'warn']('a request of the server could not be stored', errorFacts(error));
      const more = {
        code: status.serviceUnavailable,
        maxAgeSeconds: profile.busyMaxAgeSeconds,
        msgType: asked.msgType,
      };
      return refuse(new Refusal('INTERNAL', 'the gateway cannot store it now', more), asked);
    }
  }

  async function onMsg(msg: Msg, octets: number): Promise<CoapResponse | Refusal> {
    const device = recipientOf(msg);
    if (device instanceof Refusal) return undeliverable(msg, device);
    if (outbox.depth('down') >= profile.maxQueued) {
      return new Refusal('CONGESTION', `${profile.maxQueued} messages wait for devices`, {
        maxAgeSeconds: profile.busyMaxAgeSeconds,
      });
    }
    const message = downMessage(msg, device.appId, clock.wallMs(), profile);
    const after = {
      appId: device.appId,
      octets,
      originator: msg.oriAddr.addr,
      reportAsked: message.deliveryStatusRequired,
    };
    const { applied } = await outbox.add(message, [
      auditEvent(clock, 'message.received', server, { object: messageObject(msg.msgId), after }),
    ]);
    if (applied) counters.count('down');
    else repeated(msg.msgId);
    return answerTo(msg);
  }

  /** The device that registered the Application ID; by its own UE Service ID, where it has one; never more than one, never a guess. TS 23.554 §8.11. */
  function recipientOf({ appId, destAddr }: Msg): Device | Refusal {
    const isOurs = destAddr.addrType !== 'UE' || destAddr.addr === profile.ueServiceId;
    const named = isOurs
      ? undefined
      : registry.all().find(device => device.registered && oriAddrOf(device, profile).addr === destAddr.addr);
    if (!isOurs && !named)
      return new Refusal(
        'ID_MISMATCH',
        `destAddr: ${destAddr.addr} is not a UE Service ID of this gateway or its devices`,
      );
    if (appId === undefined)
      return named ?? new Refusal('MALFORMED', 'appId: is missing, and the gateway has several applications');
    const device = registry.byAppId(appId);
    if (!device) return new Refusal('NOT_REGISTERED', `appId: no device is registered for ${appId}`);
    if (!isOurs && oriAddrOf(device, profile).addr !== destAddr.addr) {
      return new Refusal('ID_MISMATCH', `destAddr: ${destAddr.addr} is not the UE Service ID of ${appId}`);
    }
    return device;
  }

  /** The message was understood and cannot be delivered: MSGRESP says so, and a report, when one was asked for. */
  async function undeliverable(msg: Msg, { cause, sentence }: Refusal): Promise<CoapResponse> {
    counters.refused(cause);
    const told = {
      object: messageObject(msg.msgId),
      result: 'refused',
      reason: cause,
      after: { detail: sentence },
    } as const;
    const audit = auditEvent(clock, 'message.refused', server, told);
    if (msg.delivStReqInd) {
      const of = { messageId: msg.msgId, to: msg.oriAddr, from: oriAddrOf(undefined, profile), appId: msg.appId ?? '' };
      await reports.reportUp(of, { delivSt: deliveryFailed, cause }, [audit]);
    } else refusals.note(audit);
    return answerTo(msg, { status: messageFailed, failureCause: cause, detail: sentence });
  }

  function answerTo({ msgId }: Msg, failure: object = {}): CoapResponse {
    const oriAddr = oriAddrOf(undefined, profile);
    return jsonResponse(
      status.changed,
      profile.serverElements.encode({ msgType: 'MSGRESP', oriAddr, msgId, ...failure }),
    );
  }

  async function onImdn(imdn: Imdn): Promise<CoapResponse | Refusal> {
    const message = await messageOf(imdn);
    if (!message)
      return new Refusal('MALFORMED', 'msgId: no message of this gateway has it', { code: status.notFound });
    if (isEnded(message)) repeated(imdn.msgId);
    else {
      await reports.end(message, { delivSt: imdn.delivSt, cause: imdn.failureCause }, server);
      if (imdn.delivSt === deliveryFailed) counters.count('failed');
      if (imdn.delivSt === deliverySucceeded) counters.count('delivered');
    }
    return bareResponse(status.changed);
  }

  /** The message a report tells of. Its ID names the device, or it is remembered, or the report's recipient says; else each device is asked for it. */
  async function messageOf({ msgId, destAddr }: Imdn): Promise<Message | undefined> {
    const named = readWireMessageId(msgId);
    if (named) {
      const message = await outbox.find('up', named.layer2Id, named.messageId);
      if (message) return message;
    }
    const recent = owners.find(msgId);
    const devices = registry.all();
    const addressed = devices.filter(device => device.originator === 'device' && device.ueServiceId === destAddr.addr);
    const candidates = [...addressed, ...devices].map(device => device.layer2Id);
    for (const layer2Id of new Set(recent === undefined ? candidates : [recent, ...candidates])) {
      const message = await outbox.find('up', layer2Id, msgId);
      if (message) return message;
    }
    return undefined;
  }

  function repeated(messageId: string): void {
    counters.count('repeated');
    refusals.note(
      auditEvent(clock, 'message.duplicate', server, {
        object: messageObject(messageId),
        reason: 'Message ID seen before',
      }),
    );
  }

  function refuse(refusal: Refusal, asked?: ServerRequest): CoapResponse {
    counters.refused(refusal.cause);
    const object = asked ? messageObject(asked.msgId) : 'session';
    const told = { object, result: 'refused', reason: refusal.cause, after: { detail: refusal.sentence } } as const;
    refusals.note(auditEvent(clock, asked ? 'message.refused' : 'peer.malformed', server, told));
    return refusalResponse(refusal, profile.serverElements, asked?.msgId);
  }

  return { handle };
}
