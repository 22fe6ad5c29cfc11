import { messageOf } from './base/errors.ts';
import type { Clock } from './base/clock.ts';
import type { Log } from './base/log.ts';
import type { Link } from './link/link.ts';
import type { Session } from './session/types.ts';
import type { AuditEvent, Store } from './store/types.ts';

type Told = Pick<AuditEvent, 'action' | 'object' | 'result'> & Partial<AuditEvent>;

/**
 * Writes the audit rows of what nobody asked for: the program's own start and stop, the session's and the links' ups and
 * downs. Acts of devices and of the server are written with the change that they are.
 */
export class Trail {
  readonly #store: Pick<Store, 'commit'>;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(store: Pick<Store, 'commit'>, clock: Clock, log: Log) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  async write(told: Told): Promise<void> {
    const event = { actor: 'program', atMs: this.#clock.wallMs(), monotonicMs: this.#clock.monotonicMs(), ...told };
    try {
      await this.#store.commit({ writes: [], audit: [event] });
    } catch (error) {
      this.#log.error('an audit row could not be written', { action: told.action, reason: messageOf(error) });
    }
  }

  /** A row when the session comes up and when it goes; of tries that fail, one for each new reason. */
  followSession(session: Session): () => void {
    let wasUp = session.status().state === 'up';
    let lastReason = '';
    return session.onStatus(({ state, server, aKid = null, suite = null, resumed = null, reason }) => {
      if (state === 'up') {
        if (!wasUp)
          void this.write({
            action: 'session.up',
            object: 'session',
            result: 'ok',
            after: { server, aKid, suite, resumed },
          });
        wasUp = true;
        lastReason = '';
      } else if ((state === 'lost' || state === 'no-key') && reason) {
        const end = endOf(wasUp, reason.code);
        const isNews = wasUp || reason.code !== lastReason;
        wasUp = false;
        lastReason = reason.code;
        if (end && isNews)
          void this.write({
            ...end,
            object: 'session',
            reason: reason.code,
            after: { server, message: reason.message },
          });
      }
    });
  }

  /** A row when the link opens and when it is lost; of tries to open it that fail, one for each new reason. */
  followLink(link: Link): () => void {
    const object = `link:${link.id}`;
    let isOpen = link.status().state === 'open';
    let lastReason = '';
    return link.onStatus(({ state, where, reason }) => {
      if (state === 'open') {
        if (!isOpen) void this.write({ action: 'link.opened', object, result: 'ok', after: { where } });
        isOpen = true;
        lastReason = '';
      } else if (reason) {
        const after = { where, message: reason.message };
        const isNews = isOpen || reason.code !== lastReason;
        isOpen = false;
        lastReason = reason.code;
        if (isNews) void this.write({ action: 'link.lost', object, result: 'failed', reason: reason.code, after });
      }
    });
  }
}

/** A session that we end ourselves is no failure, and nothing at all when it was not up. */
function endOf(wasUp: boolean, code: string): Pick<Told, 'action' | 'result'> | undefined {
  if (code === 'session.stopped') return wasUp ? { action: 'session.closed', result: 'ok' } : undefined;
  return { action: wasUp ? 'session.lost' : 'session.refused', result: 'failed' };
}
