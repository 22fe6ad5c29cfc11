import { randomUUID } from 'node:crypto';
import type { Cancel, Clock } from '../gateway/base/clock.ts';
import { messageOf } from '../gateway/base/errors.ts';
import type { Log } from '../gateway/base/log.ts';
import type { MsgServer } from './server.ts';

/** Lets the server send a command to each application in turn, so that a demonstration shows both directions. */
export class Traffic {
  readonly #server: MsgServer;
  readonly #appIds: readonly string[];
  readonly #clock: Clock;
  readonly #log: Log;
  #commands = 0;
  #cancel: Cancel = () => {};

  constructor(server: MsgServer, appIds: readonly string[], clock: Clock, log: Log) {
    this.#server = server;
    this.#appIds = appIds;
    this.#clock = clock;
    this.#log = log;
  }

  /** Every `intervalMs` from now on, one application each time; 0 stops. */
  start(intervalMs: number): void {
    this.stop();
    if (intervalMs > 0) this.#cancel = this.#clock.after(intervalMs, () => this.#command(intervalMs));
  }

  stop(): void {
    this.#cancel();
  }

  #command(intervalMs: number): void {
    const appId = this.#appIds[this.#commands++ % this.#appIds.length];
    const command = { msgId: randomUUID(), appId, payload: `command ${this.#commands}`, delivStReqInd: true };
    this.#server.send(command).catch((error: unknown) => {
      this.#log.info('a command was not taken', { appId, reason: messageOf(error) });
    });
    this.start(intervalMs);
  }
}
