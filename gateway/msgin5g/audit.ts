import type { Clock } from '../base/clock.ts';
import type { AuditAction, AuditEvent, AuditFacts } from '../store/types.ts';

/** Who asks, and from where: what an audit row and a refusal say about a peer. */
export interface Peer {
  /** `device:<layer2Id>`, `server`, or the place itself while nobody has said who is there. */
  readonly actor: string;
  /** Link and address. */
  readonly from: string;
}

interface Told {
  readonly object: string;
  readonly result?: AuditEvent['result'];
  readonly reason?: string;
  readonly before?: AuditFacts;
  readonly after?: AuditFacts;
}

export const program: Peer = { actor: 'program', from: 'gateway' };
export const server: Peer = { actor: 'server', from: 'session' };

/** One audit event, stamped. Facts are identifiers, states and sizes: never a payload, never a credential. */
export function auditEvent(clock: Clock, action: AuditAction, peer: Peer, told: Told): AuditEvent {
  return {
    action,
    atMs: clock.wallMs(),
    // Whole ones, as the wall clock's: a fraction is dear to write, and orders nothing that `seq` does not.
    monotonicMs: Math.floor(clock.monotonicMs()),
    actor: peer.actor,
    from: peer.from,
    object: told.object,
    result: told.result ?? 'ok',
    ...(told.reason === undefined ? {} : { reason: told.reason }),
    ...(told.before === undefined ? {} : { before: told.before }),
    ...(told.after === undefined ? {} : { after: told.after }),
  };
}

export function deviceObject(device: { layer2Id: string; appId: string }): string {
  return `device:${device.layer2Id}/${device.appId}`;
}

export function messageObject(messageId: string): string {
  return `message:${messageId}`;
}
