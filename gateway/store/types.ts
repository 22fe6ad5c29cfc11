import type { Failure } from '../base/errors.ts';
import type { auditActions } from './audit-actions.ts';

/** What the gateway keeps. Times are wall clock milliseconds. */

/** A device that may attach, and whether and where it is registered. Key: (layer2Id, appId). TS 24.538 §6.3.2.2. */
export interface Device {
  readonly layer2Id: string;
  readonly appId: string;
  readonly name: string;
  /** HMAC-SHA-256 of the credential under the gateway's credential key; 32 octets. */
  readonly credentialHash: Uint8Array;
  /** Whose UE Service ID its messages carry. */
  readonly originator: 'gateway' | 'device';
  readonly ueServiceId?: string;
  readonly registered: boolean;
  readonly linkId?: string;
  /** `Link.addressOf` its endpoint at registration. */
  readonly address?: string;
  readonly registeredAtMs?: number;
}

/** up: device to server. down: server to device. */
export type MessageDirection = 'up' | 'down';

/**
 * received: committed, its way not yet known. queued: waits for the server (up) or the device (down). sent: on the wire.
 * acknowledged: the next hop took it. delivered: the far end's report says so. failed, expired: ended otherwise.
 */
export type MessageState = 'received' | 'queued' | 'sent' | 'acknowledged' | 'delivered' | 'failed' | 'expired';

export type MessageKind = 'MSG' | 'IMDN';

export interface Message {
  /** Given by the store when the row is written; ascending, never reused. 0 before that. */
  readonly rowId: number;
  readonly direction: MessageDirection;
  readonly kind: MessageKind;
  readonly messageId: string;
  /** Whose message IDs these are: `layer2Id` of the device (up), `oriAddr.addr` (down). With direction, kind and messageId unique on disk. */
  readonly originator: string;
  /** The device's application, on either way. */
  readonly appId: string;
  readonly state: MessageState;
  /** The elements as they go on the wire at MSGin5G-1 or MSGin5G-5, JSON text. */
  readonly body: string;
  readonly deliveryStatusRequired: boolean;
  readonly attempts: number;
  readonly cause?: string;
  readonly receivedAtMs: number;
  readonly updatedAtMs: number;
  readonly expiresAtMs?: number;
}

/** One act or change of state, before the store gives it a sequence number. Bodies become canonical JSON (RFC 8785). */
export interface AuditEvent {
  /** Code from `audit-actions.ts`, stable for ever: `device.registered`. */
  readonly action: AuditAction;
  readonly atMs: number;
  readonly monotonicMs: number;
  /** Who: `device:<layer2Id>`, `server`, `program`, `account:<name>`. */
  readonly actor: string;
  /** From where: link and address, window, command line. */
  readonly from?: string;
  /** On what: `device:<layer2Id>/<appId>`, `message:<messageId>`, `session`, `link:<id>`. */
  readonly object: string;
  readonly result: 'ok' | 'refused' | 'failed';
  readonly reason?: string;
  readonly before?: AuditFacts;
  readonly after?: AuditFacts;
  /** How many alike this row stands for, when more than one. */
  readonly count?: number;
}

export type AuditFacts = Readonly<Record<string, string | number | boolean | null>>;

export type AuditAction = keyof typeof auditActions;

export interface AuditRow {
  readonly seq: number;
  readonly atMs: number;
  /** Canonical JSON of the event with its `seq`. */
  readonly body: string;
}

/** One prepared statement of `statements.ts`, by name, with its values. Made by the functions in `writes.ts` only. */
export interface Write {
  readonly statement: string;
  readonly values: readonly (string | number | Uint8Array | null)[];
}

/** What is written together or not at all. */
export interface Change {
  readonly writes: readonly Write[];
  readonly audit: readonly AuditEvent[];
  /**
   * When the first write changes no row (a message ID seen before, an application ID in use), nothing of this change is
   * written and `commit` resolves with `applied: false`.
   */
  readonly guarded?: boolean;
}

export interface CommitResult {
  readonly applied: boolean;
  /** Whether the first write changed a row. */
  readonly changed: boolean;
  /** Row ID made by the first write, when it was an insert. */
  readonly rowId: number;
}

export interface StoreStatus {
  /** `failed`: commits reject with `store.disk-full`, `store.io` and the like until a retry succeeds. */
  readonly state: 'open' | 'failed' | 'closed';
  readonly reason?: Failure;
  readonly commits: number;
  readonly transactions: number;
  /** Changes handed over and not yet on disk. */
  readonly waiting: number;
  /** Median and worst of the last thousand commits, hand-over to fsync. */
  readonly commitMsP50: number;
  readonly commitMsMax: number;
  readonly auditSeq: number;
}

/** The registrations in memory: what the hot path reads. Memory follows the disk, never leads it. */
export interface Registry {
  all(): readonly Device[];
  find(layer2Id: string, appId: string): Device | undefined;
  /** The registered device of this application; at most one in a gateway. */
  byAppId(appId: string): Device | undefined;
  /** Registered devices whose registration came from this place; several when several Application IDs share it. */
  at(linkId: string, address: string): readonly Device[];
  /** Commits the device's new state with its audit rows; memory changes when the disk has. `applied: false` when its appId is registered by another. */
  save(device: Device, audit: readonly AuditEvent[]): Promise<CommitResult>;
}

/** Messages on their way, oldest first for each direction. A window in memory over what is on disk. */
export interface Outbox {
  /** Commits a new message as `queued` with its audit rows. `applied: false` for a message ID seen before from that originator. */
  add(message: Message, audit: readonly AuditEvent[]): Promise<CommitResult>;
  /** The oldest `queued` message of a direction not yet taken in this run; taken means this caller sends it now. */
  take(direction: MessageDirection): Message | undefined;
  /** Oldest queued message to one device, as `take`. */
  takeFor(appId: string): Message | undefined;
  /** Puts a taken message back to the head: the way was lost before an answer. */
  giveBack(message: Message): void;
  /** Commits a new state (and cause, and one attempt more when `attempted`) with audit rows. */
  update(
    message: Message,
    to: { state: MessageState; cause?: string; attempted?: boolean },
    audit: readonly AuditEvent[],
  ): Promise<void>;
  /** A message by its direction, originator, ID and kind (MSG unless told), as it is on disk. */
  find(
    direction: MessageDirection,
    originator: string,
    messageId: string,
    kind?: MessageKind,
  ): Promise<Message | undefined>;
  /** Messages that were acknowledged and whose row was then gone from the disk. Must stay 0. */
  readonly lost: number;
  depth(direction: MessageDirection): number;
  /** Age basis: `receivedAtMs` of the oldest waiting one. */
  oldestMs(direction: MessageDirection): number | undefined;
  /** Called after messages became takeable. */
  onReady(listener: (direction: MessageDirection) => void): () => void;
}

/** Refusals in the audit trail: one row for each peer and cause a minute, with a count, whatever a peer sends. */
export interface Refusals {
  /** Peer is `actor` and `from`, cause is `action` and `reason`. Never throws, never waits. */
  note(event: AuditEvent): void;
  /** Writes what is gathered, and takes no more. */
  close(): Promise<void>;
}

export interface Store {
  readonly registry: Registry;
  readonly outbox: Outbox;
  readonly refusals: Refusals;
  /** Opens, locks, migrates, loads registry and outbox. Rejects with `store.locked`, `store.newer`, `store.not-ours`, `store.damaged`, `store.no-directory`, `store.permission`, `store.disk-full`, `store.io`. */
  open(): Promise<void>;
  /** Resolves after fsync of the transaction that holds the change. Rejects with `store.*`; then nothing of it is on disk. */
  commit(change: Change): Promise<CommitResult>;
  /** Tells another Fieldgate that wants the same data directory where this one can be reached. */
  announce(url: string): void;
  status(): StoreStatus;
  onStatus(listener: (status: StoreStatus) => void): () => void;
  /** Newest first, at most `limit`, older than `before` (exclusive) when given. */
  recentAudit(limit: number, before?: number): Promise<readonly AuditRow[]>;
  recentMessages(limit: number, before?: number): Promise<readonly Message[]>;
  /** Called after each commit that held audit rows, with the rows, at most once each event-loop turn. */
  onAudit(listener: (rows: readonly AuditRow[]) => void): () => void;
  /** Writes what waits, checkpoints, closes. */
  close(): Promise<void>;
}
