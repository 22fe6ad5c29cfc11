import { DurableLog } from './durable-log.ts';

/** TS 29.538, Address. */
export interface Address {
  readonly addrType: string;
  readonly addr: string;
}

/** A message as it came over MSGin5G-1, with the elements of TS 29.538. */
export interface Message {
  readonly msgId: string;
  readonly oriAddr: Address;
  readonly destAddr: Address;
  readonly appId?: string;
  readonly payload?: string;
  readonly payloadEnc?: string;
  readonly delivStReqInd?: boolean;
}

/** A delivery status report as it came. TS 29.538, DeliveryStatusReport */
export interface Report {
  readonly msgId: string;
  readonly oriAddr: Address;
  readonly delivSt: string;
  readonly failureCause?: string;
}

type Entry =
  | { kind: 'registered' | 'deregistered'; ueServiceId: string }
  | { kind: 'message'; message: Message }
  | { kind: 'report'; report: Report }
  | { kind: 'reportSent'; key: string };

export interface ProcessedMessage extends Message {
  /** How often it was processed: 1, or deduplication failed. */
  times: number;
  /** How often it arrived since the server started, repetitions included. */
  arrivals: number;
}

/**
 * What the server knows and must not lose: each change is on disk before its promise resolves. Message IDs are kept for
 * good, so a message is processed once however often and across whatever restart it is repeated.
 */
export class Ledger {
  readonly registered = new Set<string>();
  readonly messages = new Map<string, ProcessedMessage>();
  readonly reports = new Map<string, Report>();
  /** Messages that wait for their delivery report to reach the sender, by key. */
  readonly reportsDue = new Set<string>();
  duplicates = 0;
  readonly #log: DurableLog<Entry>;
  readonly #storing = new Map<string, Promise<void>>();

  private constructor(log: DurableLog<Entry>, entries: readonly Entry[]) {
    this.#log = log;
    for (const entry of entries) this.#apply(entry);
  }

  static async open(path: string): Promise<Ledger> {
    const { log, records } = await DurableLog.open<Entry>(path);
    return new Ledger(log, records);
  }

  /** @returns whether the UE Service ID is new here */
  async register(ueServiceId: string): Promise<boolean> {
    const isNew = !this.registered.has(ueServiceId);
    if (isNew) await this.#record({ kind: 'registered', ueServiceId });
    return isNew;
  }

  deregister(ueServiceId: string): Promise<void> {
    return this.#record({ kind: 'deregistered', ueServiceId });
  }

  /** Processes a message unless its ID is known for this originator. Resolves when it is on disk either way. */
  async recordMessage(message: Message): Promise<'processed' | 'duplicate'> {
    const isNew = await this.#once(keyOf(message), { kind: 'message', message }, key => this.messages.has(key));
    this.messages.get(keyOf(message))!.arrivals++;
    return isNew ? 'processed' : 'duplicate';
  }

  /** Keeps a delivery report; the same one again changes nothing. */
  async recordReport(report: Report): Promise<void> {
    await this.#once(`report ${keyOf(report)}`, { kind: 'report', report }, () => this.reports.has(keyOf(report)));
  }

  reportSent(key: string): Promise<void> {
    return this.#record({ kind: 'reportSent', key });
  }

  close(): Promise<void> {
    return this.#log.close();
  }

  async #once(key: string, entry: Entry, isKnown: (key: string) => boolean): Promise<boolean> {
    const storing = this.#storing.get(key);
    if (storing || isKnown(key)) {
      this.duplicates++;
      await storing;
      return false;
    }
    const stored = this.#record(entry).finally(() => this.#storing.delete(key));
    this.#storing.set(key, stored);
    await stored;
    return true;
  }

  async #record(entry: Entry): Promise<void> {
    await this.#log.append(entry);
    this.#apply(entry);
  }

  #apply(entry: Entry): void {
    switch (entry.kind) {
      case 'registered':
        this.registered.add(entry.ueServiceId);
        break;
      case 'deregistered':
        this.registered.delete(entry.ueServiceId);
        break;
      case 'message':
        this.#applyMessage(entry.message);
        break;
      case 'report':
        this.reports.set(keyOf(entry.report), entry.report);
        break;
      case 'reportSent':
        this.reportsDue.delete(entry.key);
        break;
    }
  }

  #applyMessage(message: Message): void {
    const key = keyOf(message);
    const times = (this.messages.get(key)?.times ?? 0) + 1;
    this.messages.set(key, { ...message, times, arrivals: 0 });
    if (message.delivStReqInd) this.reportsDue.add(key);
  }
}

/** Message IDs are unique for their originator. */
export function keyOf({ oriAddr, msgId }: { oriAddr: Address; msgId: string }): string {
  return `${oriAddr.addr} ${msgId}`;
}
