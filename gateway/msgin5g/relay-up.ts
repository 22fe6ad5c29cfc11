import { Backoff } from '../base/backoff.ts';
import { utf8 } from '../base/bytes.ts';
import type { Cancel } from '../base/clock.ts';
import { errorFacts } from '../base/log.ts';
import type { Session } from '../session/types.ts';
import type { Message } from '../store/types.ts';
import { auditEvent, messageObject, server } from './audit.ts';
import { outcomeOfAnswer, outcomeOfError, type Outcome } from './outcome.ts';
import { createEnds, isExpired, type RelayContext } from './relay.ts';

export interface UpRelayOptions extends RelayContext {
  readonly session: Pick<Session, 'status' | 'onStatus' | 'post' | 'register'>;
}

export interface UpRelay {
  start(): void;
  stop(): void;
}

/** Ours: longer than this nobody waits on a server's word alone. */
const maxToldWaitMs = 3_600_000;

/**
 * Carries messages from the outbox to the server, oldest first, several at once.
 *
 * queued -> (on the wire) -> acknowledged | failed | expired. `sent` is not committed by itself: it would cost a second
 * fsync for each message and tell nothing that a crash leaves true, since a message without an answer has to be repeated
 * either way. What is on the wire is in memory, and queued on disk. A repeated message keeps its ID.
 *
 * The way as a whole waits (a lost session, no answer, 5.03 for its Max-Age), never one message behind the others: what
 * one message alone may be the cause of is counted for it, and `maxFaults` of that fail it.
 */
export function createUpRelay(options: UpRelayOptions): UpRelay {
  const { session, profile, clock, counters, parameters, log } = options;
  const { outbox } = options.store;
  const backoff = new Backoff(parameters.serverFirstRetryMs, parameters.serverMaxRetryMs, options.random);
  const ends = createEnds(options);
  const faults = new Map<number, number>();
  const undo: Cancel[] = [];
  let isRunning = false;
  let inFlight = 0;
  let resume: Cancel | undefined;
  let nextSweep: Cancel | undefined;
  let registering: Promise<boolean> | undefined;

  function pump(): void {
    if (!isRunning || resume || session.status().state !== 'up') return;
    while (inFlight < parameters.upInFlight && !resume) {
      const message = outbox.take('up');
      if (!message) return;
      inFlight++;
      void carry(message).finally(() => {
        inFlight--;
        pump();
      });
    }
  }

  async function carry(message: Message): Promise<void> {
    if (isExpired(message, clock)) return ends.expire(message);
    const outcome = await send(message);
    if (outcome.kind === 'later' || outcome.kind === 'unregistered') return later(message, outcome);
    backoff.reset();
    faults.delete(message.rowId);
    if (outcome.kind === 'refused') return ends.fail(message, outcome.cause, server);
    await ends.stored(() => acknowledge(message, outcome.status));
    counters.count('acknowledged');
    if (message.kind === 'MSG') counters.upLatency(clock.wallMs() - message.receivedAtMs);
  }

  async function send(message: Message): Promise<Outcome> {
    counters.count('sent');
    try {
      return outcomeOfAnswer(await session.post(utf8(message.body)), profile.serverElements);
    } catch (error) {
      return outcomeOfError(error);
    }
  }

  function acknowledge(message: Message, status: string | undefined): Promise<void> {
    const after = { state: 'acknowledged', kind: message.kind, appId: message.appId, status: status ?? null };
    const told = { object: messageObject(message.messageId), before: { state: message.state }, after };
    return outbox.update(message, { state: 'acknowledged', attempted: true }, [
      auditEvent(clock, 'message.acknowledged', server, told),
    ]);
  }

  async function later(message: Message, outcome: Outcome & { kind: 'later' | 'unregistered' }): Promise<void> {
    const isUnregistered = outcome.kind === 'unregistered';
    const reason = isUnregistered ? 'NOT_REGISTERED' : outcome.reason;
    // A server that does not know the recipient may say so in the same words as one that does not know us. It is the
    // message's fault only where registering anew changes nothing: a server that will not have us says nothing about it.
    if (isUnregistered ? await registerAnew() : outcome.isItsFault) {
      const count = (faults.get(message.rowId) ?? 0) + 1;
      faults.set(message.rowId, count);
      if (count >= parameters.maxFaults) {
        faults.delete(message.rowId);
        return ends.fail(message, reason, server);
      }
    }
    // The wait stands before the message is back, or it would be taken again at once.
    pause(reason, isUnregistered ? undefined : outcome.afterMs);
    outbox.giveBack(message);
  }

  /** Several messages in flight fail together: the first of them sets the wait. */
  function pause(reason: string, afterMs: number | undefined): void {
    if (resume || !isRunning) return;
    // A server that says 0 s, or a year, is not taken at its word.
    const waitMs = Math.max(backoff.nextMs(), Math.min(afterMs ?? 0, maxToldWaitMs));
    log.warn('messages to the server wait', { reason, waitMs, waiting: outbox.depth('up') });
    resume = clock.after(waitMs, () => {
      resume = undefined;
      pump();
    });
  }

  /** Whether it succeeded. Messages that come back together ask once. */
  function registerAnew(): Promise<boolean> {
    registering ??= session
      .register()
      .then(
        () => true,
        (error: unknown) => {
          log.warn('the server does not know this gateway, and registering anew failed', errorFacts(error));
          return false;
        },
      )
      .finally(() => (registering = undefined));
    return registering;
  }

  /** A session that came up is a new way: what was waited for on the old one is void. */
  function onSession(state: string): void {
    if (state !== 'up') return;
    resume?.();
    resume = undefined;
    pump();
  }

  function sweep(): void {
    if (session.status().state !== 'up') expireWaiting();
    nextSweep = clock.after(parameters.expirySweepMs, sweep);
  }

  /** While nothing can be sent, the oldest are still looked at. */
  function expireWaiting(): void {
    for (let message = outbox.take('up'); message; message = outbox.take('up')) {
      if (!isExpired(message, clock)) return outbox.giveBack(message);
      void ends.expire(message);
    }
  }

  return {
    start() {
      if (isRunning) return;
      isRunning = true;
      ends.start();
      let last = session.status().state;
      undo.push(
        outbox.onReady(direction => {
          if (direction === 'up') pump();
        }),
        session.onStatus(({ state }) => {
          if (state !== last) onSession(state);
          last = state;
        }),
      );
      sweep();
      pump();
    },
    stop() {
      isRunning = false;
      ends.stop();
      nextSweep?.();
      resume?.();
      resume = undefined;
      for (const act of undo.splice(0)) act();
    },
  };
}
