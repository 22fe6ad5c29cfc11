import type { Clock } from '../base/clock.ts';
import { GatewayError } from '../base/errors.ts';
import type { IncomingRequest } from '../coap/types.ts';
import type { Device, Message, Outbox } from '../store/types.ts';
import { auditEvent, messageObject, type Peer } from './audit.ts';
import { deriveMessageId, digestMarks, epochOf, mayCopyLastEpoch } from './message-id.ts';
import type { MessageOwners } from './message-owners.ts';
import type { Profile } from './profile.ts';
import { upMessage } from './rows.ts';
import type { Address, DeviceMsg } from './types.ts';

export interface MessageIntakeOptions {
  readonly outbox: Outbox;
  readonly profile: Profile;
  readonly clock: Clock;
  readonly owners: MessageOwners;
}

export interface Accepted {
  /** The device's own, or the one the gateway gave. */
  readonly messageId: string;
  /** False for a message ID seen before: it is on disk already, and nothing more came of it. */
  readonly isNew: boolean;
}

export interface MessageIntake {
  /** Commits a device's message as queued for the server. Rejects when the store fails; then nothing is accepted. */
  accept(msg: DeviceMsg, device: Device, destAddr: Address, request: IncomingRequest, peer: Peer): Promise<Accepted>;
}

/** Ours: an hour holds 3600 / 247 EXCHANGE_LIFETIMEs; more turns than this mean a wall clock gone astray. */
const maxTurns = 64;

export function createMessageIntake({ outbox, profile, clock, owners }: MessageIntakeOptions): MessageIntake {
  const startedAtMs = clock.monotonicMs();

  async function accept(
    msg: DeviceMsg,
    device: Device,
    destAddr: Address,
    request: IncomingRequest,
    peer: Peer,
  ): Promise<Accepted> {
    const nowMs = clock.wallMs();

    async function add(messageId: string): Promise<boolean> {
      const message = upMessage(msg, device, destAddr, { messageId, nowMs }, profile);
      const after = {
        appId: device.appId,
        octets: request.payload.length,
        reportAsked: message.deliveryStatusRequired,
      };
      const audit = auditEvent(clock, 'message.received', peer, { object: messageObject(messageId), after });
      if (message.deliveryStatusRequired) owners.remember(messageId, device.layer2Id);
      return (await outbox.add(message, [audit])).applied;
    }

    if (msg.msgId !== undefined) return { messageId: msg.msgId, isNew: await add(msg.msgId) };
    const { token, messageId: coapMessageId, payload } = request;
    const digest = digestMarks({ layer2Id: device.layer2Id, place: peer.from, token, coapMessageId, payload });
    return (await copyOfLastEpoch(digest, device, nowMs)) ?? addDerived(digest, device, nowMs, add);
  }

  async function addDerived(
    digest: string,
    device: Device,
    nowMs: number,
    add: (messageId: string) => Promise<boolean>,
  ): Promise<Accepted> {
    for (let turn = 0; turn < maxTurns; turn++) {
      const messageId = deriveMessageId(digest, epochOf(nowMs), turn);
      if (await add(messageId)) return { messageId, isNew: true };
      const seen = await outbox.find('up', device.layer2Id, messageId);
      if (seen && isCopyOf(seen, nowMs)) return { messageId, isNew: false };
    }
    throw new GatewayError(
      'message.no-id',
      `no Message ID is free for a message of ${device.layer2Id} after ${maxTurns} turns`,
      {
        hint: 'compare the wall clock of this machine with the right time',
      },
    );
  }

  async function copyOfLastEpoch(digest: string, device: Device, nowMs: number): Promise<Accepted | undefined> {
    if (!mayCopyLastEpoch(nowMs, clock.monotonicMs() - startedAtMs, profile.exchangeLifetimeMs)) return undefined;
    for (let turn = 0; turn < maxTurns; turn++) {
      const messageId = deriveMessageId(digest, epochOf(nowMs) - 1, turn);
      const seen = await outbox.find('up', device.layer2Id, messageId);
      if (!seen) return undefined;
      if (isCopyOf(seen, nowMs)) return { messageId, isNew: false };
    }
    return undefined;
  }

  function isCopyOf(seen: Message, nowMs: number): boolean {
    return Math.abs(nowMs - seen.receivedAtMs) <= profile.exchangeLifetimeMs;
  }

  return { accept };
}
