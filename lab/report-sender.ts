import type { Clock } from '../gateway/base/clock.ts';
import { messageOf } from '../gateway/base/errors.ts';
import type { Log } from '../gateway/base/log.ts';
import type { CoapPeer } from './coap-peer.ts';
import type { Ledger, ProcessedMessage } from './ledger.ts';

export interface ReportSenderSetup {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly log: Log;
}

/** Ours: a report that nobody took is tried again so much later. */
const retryMs = 5_000;

/** Brings each delivery status report that a sender asked for to that sender, until it was taken; across restarts too. */
export class ReportSender {
  readonly #setup: ReportSenderSetup;
  readonly #peerOf: (ueServiceId: string) => CoapPeer | undefined;
  #cancel: (() => void) | undefined;
  #isRunning = false;
  /** Since the last run began. */
  #isKicked = false;
  #isStopped = false;

  constructor(setup: ReportSenderSetup, peerOf: (ueServiceId: string) => CoapPeer | undefined) {
    this.#setup = setup;
    this.#peerOf = peerOf;
  }

  /** Something may be due: looks in the next turn, so that the answer in hand goes out first. */
  kick(): void {
    this.#isKicked = true;
    if (!this.#isRunning) this.#lookIn(0);
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
  }

  #lookIn(delayMs: number): void {
    this.#cancel?.();
    if (!this.#isStopped) this.#cancel = this.#setup.clock.after(delayMs, () => void this.#run());
  }

  async #run(): Promise<void> {
    const { ledger, log } = this.#setup;
    this.#isRunning = true;
    this.#isKicked = false;
    // A set goes on to what is added while it is walked: messages that come meanwhile are reported in this run.
    for (const key of ledger.reportsDue) {
      const message = ledger.messages.get(key)!;
      const peer = this.#peerOf(message.oriAddr.addr);
      if (!peer || this.#isStopped) continue;
      try {
        const { code } = await peer.post('/msgin5g', reportFor(message));
        if (code.startsWith('5')) continue;
        if (!code.startsWith('2')) log.warn('a delivery report was refused', { msgId: message.msgId, code });
        await ledger.reportSent(key);
      } catch (error) {
        log.info('a delivery report was not taken', { msgId: message.msgId, reason: messageOf(error) });
      }
    }
    this.#isRunning = false;
    if (ledger.reportsDue.size > 0) this.#lookIn(this.#isKicked ? 0 : retryMs);
  }
}

/** The message ID of the report is that of the message. TS 23.554 Table 8.3.4-1 */
function reportFor({ oriAddr, destAddr, msgId }: ProcessedMessage): object {
  return { msgType: 'IMDN', oriAddr: destAddr, destAddr: oriAddr, msgId, delivSt: 'REPT_DELY_SUCCESS' };
}
