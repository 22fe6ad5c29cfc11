import type { Clock } from '../base/clock.ts';
import { codeOf } from '../base/errors.ts';
import { errorFacts, type Log } from '../base/log.ts';
import { Lane } from './lane.ts';
import type { Disk } from './registry.ts';
import { messageOfRow } from './rows.ts';
import type { SqlRow } from './sql.ts';
import type {
  AuditEvent,
  CommitResult,
  Message,
  MessageDirection,
  MessageKind,
  MessageState,
  Outbox,
} from './types.ts';
import { insertMessage, setMessageState } from './writes.ts';

/** How many waiting messages are kept in memory; the others wait on disk. */
export interface WindowSizes {
  readonly up: number;
  /** For each application: a device that sleeps does not hold up the others. */
  readonly downPerApp: number;
}

export const defaultWindows: WindowSizes = { up: 10_000, downPerApp: 100 };

/** After a refill that failed; the store tries its disk as often. */
const refillRetryMs = 1_000;

const waits: readonly MessageState[] = ['received', 'queued', 'sent'];

/**
 * Messages on their way. Up is one lane; down is a lane for each application. A message is in a lane (waits), or taken (a caller
 * sends it), or neither (ended, or behind the window).
 */
export class MessageOutbox implements Outbox {
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #log: Log;
  #lost = 0;
  readonly #sizes: WindowSizes;
  readonly #up: Lane;
  readonly #down = new Map<string, Lane>();
  readonly #taken = new Map<number, Message>();
  readonly #listeners = new Set<(direction: MessageDirection) => void>();
  readonly #ready = new Set<MessageDirection>();

  constructor(disk: Disk, clock: Clock, log: Log, sizes: WindowSizes = defaultWindows) {
    this.#disk = disk;
    this.#clock = clock;
    this.#log = log;
    this.#sizes = sizes;
    this.#up = new Lane(sizes.up);
  }

  /** Reads what waits. Also after the writer died: what is taken stays taken. */
  async load(): Promise<void> {
    const [up, down] = await Promise.all([this.#disk.query('countUp', []), this.#disk.query('countDown', [])]);
    for (const [, lane] of this.#down) lane.reset(0);
    this.#up.reset(up[0]!.waiting as number);
    for (const row of down) this.#lane('down', row.app_id as string).reset(row.waiting as number);
    for (const { direction, appId } of this.#taken.values()) this.#lane(direction, appId).removeOnDisk();
    await Promise.all([...this.#lanes('up'), ...this.#lanes('down')].map(([appId, lane]) => this.#tidy(lane, appId)));
  }

  async add(message: Message, audit: readonly AuditEvent[]): Promise<CommitResult> {
    const queued: Message = { ...message, state: 'queued' };
    const result = await this.#disk.commit({ writes: [insertMessage(queued)], audit, guarded: true });
    if (!result.applied) return result;
    this.#lane(message.direction, message.appId).append({ ...queued, rowId: result.rowId });
    this.#announce(message.direction);
    return result;
  }

  take(direction: MessageDirection): Message | undefined {
    let oldest: [string, Lane] | undefined;
    for (const entry of this.#lanes(direction)) {
      if (entry[1].oldest && (!oldest || entry[1].oldest.rowId < oldest[1].oldest!.rowId)) oldest = entry;
    }
    return oldest && this.#take(oldest[1], oldest[0]);
  }

  takeFor(appId: string): Message | undefined {
    const lane = this.#down.get(appId);
    return lane && this.#take(lane, appId);
  }

  giveBack(message: Message): void {
    const taken = this.#taken.get(message.rowId);
    if (!taken) return;
    this.#taken.delete(taken.rowId);
    this.#lane(taken.direction, taken.appId).put(taken);
    this.#announce(taken.direction);
  }

  async update(
    message: Message,
    to: { state: MessageState; cause?: string; attempted?: boolean },
    audit: readonly AuditEvent[],
  ): Promise<void> {
    // Nobody may take it while its next state is on the way to the disk.
    const waited = this.#lane(message.direction, message.appId).remove(message.rowId);
    if (waited) this.#taken.set(waited.rowId, waited);
    const atMs = this.#clock.wallMs();
    try {
      const write = setMessageState(message.rowId, { ...to, atMs });
      const { changed } = await this.#disk.commit({ writes: [write], audit });
      if (!changed)
        void this.#look(message).catch(error => this.#log.warn('cannot look for a message', errorFacts(error)));
    } catch (error) {
      if (waited) this.giveBack(waited);
      throw error;
    }
    this.#follow(message, { ...to, atMs }, waited !== undefined);
  }

  async find(
    direction: MessageDirection,
    originator: string,
    messageId: string,
    kind: MessageKind = 'MSG',
  ): Promise<Message | undefined> {
    const [row] = await this.#disk.query('messageByKey', [direction, kind, messageId, originator]);
    return row && messageOfRow(row);
  }

  get lost(): number {
    return this.#lost;
  }

  depth(direction: MessageDirection): number {
    let depth = 0;
    for (const [, lane] of this.#lanes(direction)) depth += lane.depth;
    return depth;
  }

  oldestMs(direction: MessageDirection): number | undefined {
    let oldestMs: number | undefined;
    for (const [, { oldest }] of this.#lanes(direction)) {
      if (oldest && (oldestMs === undefined || oldest.receivedAtMs < oldestMs)) oldestMs = oldest.receivedAtMs;
    }
    return oldestMs;
  }

  onReady(listener: (direction: MessageDirection) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A row that did not change has its last state already, or is gone: then an acknowledged message is lost. */
  async #look({ direction, originator, messageId, kind }: Message): Promise<void> {
    if (await this.find(direction, originator, messageId, kind)) return;
    this.#lost++;
    this.#log.error('an acknowledged message is gone from the disk', { direction, originator, messageId });
  }

  /** Memory after the disk has the new state. */
  #follow(
    message: Message,
    to: { state: MessageState; cause?: string; attempted?: boolean; atMs: number },
    waited: boolean,
  ): void {
    const taken = this.#taken.get(message.rowId);
    const lane = this.#lane(message.direction, message.appId);
    if (waits.includes(to.state)) {
      if (!taken) return;
      const attempts = taken.attempts + (to.attempted ? 1 : 0);
      this.#taken.set(taken.rowId, { ...taken, state: to.state, cause: to.cause, attempts, updatedAtMs: to.atMs });
      if (waited) this.giveBack(taken);
      return;
    }
    // A refill may have brought it meanwhile, or it waits behind the window still.
    if (taken) this.#taken.delete(message.rowId);
    else if (!lane.remove(message.rowId) && message.rowId > lane.readUpTo && waits.includes(message.state))
      lane.removeOnDisk();
    void this.#tidy(lane, message.appId);
  }

  #take(lane: Lane, appId: string): Message | undefined {
    const message = lane.take();
    if (message) this.#taken.set(message.rowId, message);
    void this.#tidy(lane, appId);
    return message;
  }

  /** Brings more from the disk when the window runs low; forgets an application for which nothing waits. */
  async #tidy(lane: Lane, appId: string): Promise<void> {
    if (lane.isIdle && lane !== this.#up) this.#down.delete(appId);
    for (let asked = lane.startRefill(); asked > 0; asked = lane.startRefill()) {
      try {
        const rows = await this.#waiting(lane, appId, asked);
        lane.endRefill(rows.map(messageOfRow), asked, rowId => this.#taken.has(rowId));
      } catch (error) {
        lane.endRefill(undefined, asked, () => false);
        if (codeOf(error) === 'store.closed') return;
        this.#log.warn('cannot read the messages that wait, trying again', errorFacts(error));
        this.#clock.after(refillRetryMs, () => void this.#tidy(lane, appId));
        return;
      }
      if (lane.oldest) this.#announce(lane.oldest.direction);
    }
  }

  #waiting(lane: Lane, appId: string, limit: number): Promise<readonly SqlRow[]> {
    if (lane === this.#up) return this.#disk.query('waitingUp', [lane.readUpTo, limit]);
    return this.#disk.query('waitingDown', [appId, lane.readUpTo, limit]);
  }

  #lanes(direction: MessageDirection): Iterable<[string, Lane]> {
    return direction === 'up' ? [['', this.#up]] : this.#down;
  }

  #lane(direction: MessageDirection, appId: string): Lane {
    if (direction === 'up') return this.#up;
    const found = this.#down.get(appId);
    if (found) return found;
    const lane = new Lane(this.#sizes.downPerApp);
    this.#down.set(appId, lane);
    return lane;
  }

  /** Once for all that came in this turn, and never from within a caller's own call. */
  #announce(direction: MessageDirection): void {
    if (this.#ready.has(direction)) return;
    this.#ready.add(direction);
    setImmediate(() => {
      this.#ready.delete(direction);
      for (const listener of this.#listeners) listener(direction);
    });
  }
}
