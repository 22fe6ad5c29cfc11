import type { Device, Message } from '../store/types.ts';
import {
  deliveryFailed,
  type Address,
  type DeviceMsg,
  type Imdn,
  type Msg,
  type MsgContent,
  type StoAndFwParams,
} from './types.ts';
import { wireMessageId } from './message-id.ts';
import { recodePayload } from './payload.ts';
import type { Profile } from './profile.ts';

/** Messages as rows of the store: what the gateway makes of what came in, body and all. */

interface RowFacts {
  readonly messageId: string;
  readonly nowMs: number;
}

/** A device's message, as MSGin5G-1 wants it. The gateway is the originator, with the device behind its Application ID (TS 23.554 §3.1), unless the device has a UE Service ID of its own. */
export function upMessage(
  msg: DeviceMsg,
  device: Device,
  destAddr: Address,
  { messageId, nowMs }: RowFacts,
  profile: Profile,
): Message {
  const { payload, payloadEnc } = recodePayload(msg, profile.payloadCoding);
  const wire: Msg = {
    msgType: 'MSG',
    oriAddr: oriAddrOf(device, profile),
    destAddr,
    msgId: device.originator === 'device' ? messageId : wireMessageId(device.layer2Id, messageId),
    stoAndFwInd: msg.stoAndFwInd ?? false,
    appId: device.appId,
    delivStReqInd: msg.delivStReqInd,
    payload,
    payloadEnc,
    priority: msg.priority,
    segInd: msg.segInd,
    segParams: msg.segParams,
    stoAndFwParams: msg.stoAndFwParams,
  };
  return queued({
    direction: 'up',
    kind: 'MSG',
    messageId,
    originator: device.layer2Id,
    appId: device.appId,
    body: profile.serverElements.encode(wire),
    deliveryStatusRequired: msg.delivStReqInd === true,
    receivedAtMs: nowMs,
    expiresAtMs: expiresAtMs(msg, nowMs, profile),
  });
}

/** The server's message, as its device gets it. The device knows its own address. */
export function downMessage(msg: Msg, appId: string, nowMs: number, profile: Profile): Message {
  const content: MsgContent = {
    payload: msg.payload,
    payloadEnc: msg.payloadEnc,
    delivStReqInd: msg.delivStReqInd,
    priority: msg.priority,
    segInd: msg.segInd,
    segParams: msg.segParams,
  };
  const body = profile.deviceElements.encode({
    msgType: 'MSG',
    oriAddr: msg.oriAddr,
    appId,
    msgId: msg.msgId,
    ...content,
  });
  return queued({
    direction: 'down',
    kind: 'MSG',
    messageId: msg.msgId,
    originator: msg.oriAddr.addr,
    appId,
    body,
    deliveryStatusRequired: msg.delivStReqInd === true,
    receivedAtMs: nowMs,
    expiresAtMs: expiresAtMs(msg, nowMs, profile),
  });
}

/** A report, either way. Its `msgId` is the one of the message it tells of, so it stands under that message's originator. */
export function reportRow(
  direction: Message['direction'],
  report: Partial<Imdn> & { readonly msgId: string },
  owner: string,
  appId: string,
  nowMs: number,
  profile: Profile,
): Message {
  const map = direction === 'up' ? profile.serverElements : profile.deviceElements;
  return queued({
    direction,
    kind: 'IMDN',
    messageId: report.msgId,
    originator: owner,
    appId,
    body: map.encode(report),
    deliveryStatusRequired: false,
    receivedAtMs: nowMs,
    expiresAtMs: endOfLife(nowMs, profile),
  });
}

/** A report of failure carries its cause, one of success none. */
export function causeOf(delivSt: string, cause: string | undefined): string | undefined {
  return delivSt === deliveryFailed ? cause : undefined;
}

/** Whose UE Service ID a device's messages carry. */
export function oriAddrOf(device: Device | undefined, profile: Profile): Address {
  const own = device?.originator === 'device' ? device.ueServiceId : undefined;
  return { addrType: 'UE', addr: own ?? profile.ueServiceId };
}

/** The store takes whole milliseconds. */
function endOfLife(nowMs: number, profile: Profile): number {
  return Math.round(nowMs + profile.messageLifetimeMs);
}

function expiresAtMs(msg: { stoAndFwParams?: StoAndFwParams }, nowMs: number, profile: Profile): number {
  const { exprTime } = msg.stoAndFwParams ?? {};
  return exprTime === undefined ? endOfLife(nowMs, profile) : Date.parse(exprTime);
}

/** A message that begins its way. */
function queued(facts: Omit<Message, 'rowId' | 'state' | 'attempts' | 'cause' | 'updatedAtMs'>): Message {
  return { ...facts, rowId: 0, state: 'queued', attempts: 0, updatedAtMs: facts.receivedAtMs };
}
