import { Backoff } from '../base/backoff.ts';
import type { Cancel, Clock } from '../base/clock.ts';
import { errorFacts, type Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { Message, Store } from '../store/types.ts';
import { program, type Peer } from './audit.ts';
import type { MessageCounters } from './counters.ts';
import type { Profile } from './profile.ts';
import type { Reports } from './reports.ts';
import { deliveryFailed } from './types.ts';

/** What both directions of the relay share: numbers, and how a message ends. */

export interface RelayParameters {
  /** Messages on their way to the server at once; CoAP's NSTART bounds the wire. Ours: enough to fill a commit while the wire is busy. */
  readonly upInFlight: number;
  /** Ours: waits towards the server, and towards one device, which is often asleep. */
  readonly serverFirstRetryMs: number;
  readonly serverMaxRetryMs: number;
  readonly deviceFirstRetryMs: number;
  readonly deviceMaxRetryMs: number;
  /** Ours: answers such as 5.00 or nonsense that one message may get before it is given up. */
  readonly maxFaults: number;
  /** Ours: how often messages that nobody fetches are looked at for their expiry. */
  readonly expirySweepMs: number;
}

export const relayParameters: RelayParameters = {
  upInFlight: 16,
  serverFirstRetryMs: 1_000,
  serverMaxRetryMs: 60_000,
  deviceFirstRetryMs: 5_000,
  deviceMaxRetryMs: 300_000,
  maxFaults: 8,
  expirySweepMs: 60_000,
};

export interface RelayContext {
  readonly store: Pick<Store, 'registry' | 'outbox'>;
  readonly profile: Profile;
  readonly reports: Reports;
  readonly counters: MessageCounters;
  readonly clock: Clock;
  readonly random: Random;
  readonly parameters: RelayParameters;
  readonly log: Log;
}

export function isExpired(message: Message, clock: Clock): boolean {
  return message.expiresAtMs !== undefined && message.expiresAtMs <= clock.wallMs();
}

/** Ends that either direction comes to. Each resolves when it is on disk, or could not be put there before `stop`. */
export interface Ends {
  expire(message: Message): Promise<void>;
  fail(message: Message, cause: string, peer: Peer): Promise<void>;
  /** Tries until the disk has it: the next hop has answered, and will not be asked again. */
  stored(act: () => Promise<void>): Promise<void>;
  start(): void;
  stop(): void;
}

export function createEnds({ reports, counters, clock, random, log }: RelayContext): Ends {
  const waits = new Map<Cancel, () => void>();
  let isRunning = false;

  function wait(delayMs: number): Promise<void> {
    return new Promise(resolve => {
      const cancel = clock.after(delayMs, () => {
        waits.delete(cancel);
        resolve();
      });
      waits.set(cancel, resolve);
    });
  }

  async function stored(act: () => Promise<void>): Promise<void> {
    const backoff = new Backoff(storeFirstRetryMs, storeMaxRetryMs, random);
    for (;;) {
      try {
        return await act();
      } catch (error) {
        if (!isRunning) return;
        log.warn('the end of a message could not be stored, trying again', errorFacts(error));
        await wait(backoff.nextMs());
      }
    }
  }

  return {
    stored,
    async expire(message) {
      counters.count('expired');
      await stored(() =>
        reports.end(message, { state: 'expired', delivSt: deliveryFailed, cause: 'EXPIRED' }, program),
      );
    },
    async fail(message, cause, peer) {
      counters.count('failed');
      await stored(() => reports.end(message, { delivSt: deliveryFailed, cause, attempted: true }, peer));
    },
    start() {
      isRunning = true;
    },
    stop() {
      isRunning = false;
      for (const [cancel, resolve] of waits) {
        cancel();
        resolve();
      }
      waits.clear();
    },
  };
}

/** Ours: the store itself tries a failed disk about once a second. */
const storeFirstRetryMs = 1_000;
const storeMaxRetryMs = 30_000;
