import type { Cancel, Clock } from '../base/clock.ts';
import { errorFacts, type Log } from '../base/log.ts';
import type { AuditEvent, Change, Refusals } from './types.ts';

/** How long alike refusals are gathered into one row. */
export const refusalPeriodMs = 60_000;

/** Peers and causes told apart; more than that is an attack with made-up addresses, and one row an action tells of the rest. */
const maxKinds = 1_000;

interface Kind {
  /** Those not yet written: the newest stands for all. */
  last: AuditEvent | undefined;
  count: number;
  dueMs: number;
}

/**
 * Refusals in the audit trail: the first of a peer and cause is written at once, those that follow within a minute as one
 * row with their count. A peer that sends nonsense all day makes a row a minute, whatever its rate.
 */
export class AuditedRefusals implements Refusals {
  readonly #commit: (change: Change) => Promise<unknown>;
  readonly #clock: Clock;
  readonly #log: Log;
  /** In the order in which they fall due. */
  readonly #kinds = new Map<string, Kind>();
  #cancel: Cancel | undefined;
  #isClosed = false;

  constructor(commit: (change: Change) => Promise<unknown>, clock: Clock, log: Log) {
    this.#commit = commit;
    this.#clock = clock;
    this.#log = log;
  }

  note(refusal: AuditEvent): void {
    if (this.#isClosed) return;
    const [key, event] = this.#sort(refusal);
    const kind = this.#kinds.get(key);
    if (kind) return gather(kind, event);
    this.#begin(key);
    void this.#write([[key, event]]);
  }

  /** Writes what is gathered, and takes no more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel?.();
    this.#cancel = undefined;
    const gathered = [...this.#kinds].flatMap(([key, kind]) => counted(key, kind));
    this.#kinds.clear();
    await this.#write(gathered);
  }

  #begin(key: string): Kind {
    const kind: Kind = { last: undefined, count: 0, dueMs: this.#clock.monotonicMs() + refusalPeriodMs };
    this.#kinds.set(key, kind);
    this.#schedule();
    return kind;
  }

  #schedule(): void {
    const [first] = this.#kinds.values();
    if (!first || this.#cancel) return;
    this.#cancel = this.#clock.after(Math.max(0, first.dueMs - this.#clock.monotonicMs()), () => this.#due());
  }

  #due(): void {
    this.#cancel = undefined;
    const gathered: [string, AuditEvent][] = [];
    for (const [key, kind] of this.#kinds) {
      if (kind.dueMs > this.#clock.monotonicMs()) break;
      // When none came for a whole minute, the next is news again.
      this.#kinds.delete(key);
      if (kind.count === 0) continue;
      gathered.push(...counted(key, kind));
      this.#begin(key);
    }
    this.#schedule();
    void this.#write(gathered);
  }

  #sort(event: AuditEvent): [key: string, event: AuditEvent] {
    const key = JSON.stringify([event.action, event.actor, event.from, event.reason]);
    if (this.#kinds.has(key) || this.#kinds.size < maxKinds) return [key, event];
    const { action, atMs, monotonicMs, result, count } = event;
    const others = {
      action,
      actor: 'others',
      object: 'others',
      reason: `more than ${maxKinds} peers and causes`,
      result,
    };
    return [action, { ...others, atMs, monotonicMs, ...(count === undefined ? {} : { count }) }];
  }

  /** What could not be written is gathered again. */
  async #write(events: readonly [string, AuditEvent][]): Promise<void> {
    if (events.length === 0) return;
    try {
      await this.#commit({ writes: [], audit: events.map(([, event]) => event) });
    } catch (error) {
      this.#log.warn('refusals could not be written to the audit trail', { ...errorFacts(error), rows: events.length });
      if (this.#isClosed) return;
      for (const [key, event] of events) gather(this.#kinds.get(key) ?? this.#begin(key), event);
    }
  }
}

function gather(kind: Kind, event: AuditEvent): void {
  kind.last = event;
  kind.count += event.count ?? 1;
}

function counted(key: string, { last, count }: Kind): [string, AuditEvent][] {
  if (!last) return [];
  return [[key, count === 1 ? last : { ...last, count }]];
}
