import type { Clock } from '../base/clock.ts';
import type { AuditEvent, Message, MessageState, Outbox, Registry } from '../store/types.ts';
import { auditEvent, messageObject, type Peer } from './audit.ts';
import { readOwnJson } from './json.ts';
import type { Profile } from './profile.ts';
import { causeOf, oriAddrOf, reportRow } from './rows.ts';
import { deliveryFailed, deliverySucceeded, type Address } from './types.ts';

export interface ReportsOptions {
  readonly outbox: Outbox;
  readonly registry: Registry;
  readonly profile: Profile;
  readonly clock: Clock;
}

/** States that nothing follows. */
type LastState = Extract<MessageState, 'delivered' | 'failed' | 'expired'>;

/** How a message ended. */
export interface End {
  readonly delivSt: string;
  readonly state?: LastState;
  readonly cause?: string;
  readonly attempted?: boolean;
}

/** The end of messages: their last state, and the delivery status report to whoever asked for one. TS 23.554 §8.3.4. */
export interface Reports {
  /**
   * Commits the end of a message and its report. The report first: a crash between the two repeats the message with its
   * ID and finds the report there, whereas the other way round the report would be lost.
   */
  end(message: Message, end: End, peer: Peer): Promise<void>;
  /** The report alone, for a message that was never taken. `applied: false` when it was made before. */
  reportUp(
    of: { messageId: string; to: Address; from: Address; appId: string },
    end: End,
    audit: readonly AuditEvent[],
  ): Promise<boolean>;
}

export function createReports({ outbox, registry, profile, clock }: ReportsOptions): Reports {
  async function reportUp(
    of: { messageId: string; to: Address; from: Address; appId: string },
    { delivSt, cause }: End,
    audit: readonly AuditEvent[],
  ): Promise<boolean> {
    const report = {
      msgType: 'IMDN',
      oriAddr: of.from,
      destAddr: of.to,
      msgId: of.messageId,
      delivSt,
      failureCause: causeOf(delivSt, cause),
    } as const;
    const row = reportRow('up', report, of.to.addr, of.appId, clock.wallMs(), profile);
    return (await outbox.add(row, audit)).applied;
  }

  /** To the server, about a message of its for one of our devices. */
  function reportOfDown(message: Message, end: End, audit: AuditEvent): Promise<boolean> {
    const to = readOwnJson(message.body, profile.deviceElements)?.oriAddr as Address | undefined;
    const device = registry.byAppId(message.appId) ?? registry.all().find(each => each.appId === message.appId);
    const addresses = { to: to ?? { addrType: 'UE', addr: message.originator }, from: oriAddrOf(device, profile) };
    return reportUp({ messageId: message.messageId, appId: message.appId, ...addresses }, end, [audit]);
  }

  /** To a device, about a message of its own. `oriAddr` is whom the message was for. */
  async function reportOfUp(message: Message, { delivSt, cause }: End, audit: AuditEvent): Promise<void> {
    const oriAddr = readOwnJson(message.body, profile.serverElements)?.destAddr as Address | undefined;
    const failureCause = causeOf(delivSt, cause);
    const report = { msgType: 'IMDN', msgId: message.messageId, delivSt, failureCause, oriAddr } as const;
    const row = reportRow('down', report, message.originator, message.appId, clock.wallMs(), profile);
    await outbox.add(row, [audit]);
  }

  async function end(message: Message, how: End, peer: Peer): Promise<void> {
    const { delivSt, cause } = how;
    if (message.kind === 'MSG' && message.deliveryStatusRequired) {
      const told = { object: messageObject(message.messageId), after: { delivSt, appId: message.appId } };
      const audit = auditEvent(clock, 'message.reported', peer, told);
      await (message.direction === 'down' ? reportOfDown(message, how, audit) : reportOfUp(message, how, audit));
    }
    const state = how.state ?? stateOf(delivSt);
    if (state === undefined) return;
    await outbox.update(message, { state, cause, attempted: how.attempted }, [
      auditEvent(clock, `message.${state}`, peer, {
        object: messageObject(message.messageId),
        result: delivSt === deliveryFailed ? 'failed' : 'ok',
        reason: cause,
        before: { state: message.state },
        after: { state, kind: message.kind, direction: message.direction, appId: message.appId },
      }),
    ]);
  }

  return { end, reportUp };
}

/** A status nobody here knows is passed on, and says nothing about the end of the message. */
function stateOf(delivSt: string): LastState | undefined {
  if (delivSt === deliverySucceeded) return 'delivered';
  return delivSt === deliveryFailed ? 'failed' : undefined;
}

/** No report changes these any more. */
export function isEnded({ state }: Message): boolean {
  return state === 'delivered' || state === 'failed' || state === 'expired';
}
