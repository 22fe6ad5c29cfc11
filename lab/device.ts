import { randomUUID } from 'node:crypto';
import type { Cancel, Clock } from '../gateway/base/clock.ts';
import { GatewayError, codeOf, messageOf } from '../gateway/base/errors.ts';
import type { Log } from '../gateway/base/log.ts';
import type { Random } from '../gateway/base/random.ts';
import { applicationServer } from './application-server.ts';
import { CoapPeer, type CoapAnswer } from './coap-peer.ts';
import { DeviceInbox } from './device-inbox.ts';

export interface DeviceIdentity {
  readonly name: string;
  readonly layer2Id: string;
  readonly appId: string;
  readonly credential: string;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** What carries a device's CoAP messages; it may lose them, and does so in silence. */
export interface DeviceLink {
  readonly kind: 'serial' | 'udp';
  /** Opens the link, or turns an open one to another gateway. */
  open(gateway: Endpoint, receive: (message: Uint8Array) => void): Promise<void>;
  send(message: Uint8Array): void;
  /** Puts octets on the link as they are: noise. */
  sendRaw(octets: Uint8Array): void;
  close(): void;
}

export interface Outgoing {
  readonly msgId: string;
  readonly payload: string;
  readonly delivStReqInd?: boolean;
}

/** A message that was put on the link at least once. */
export interface SentMessage {
  readonly msgId: string;
  readonly payload: string;
  /** The gateway answered 2.04 and did not tell of a failure. */
  acknowledged: boolean;
}

export interface DeviceSetup {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Ours: waits after failures double from the first to the longest, and are spread over half of themselves. */
const firstWaitMs = 1_000;
const longestWaitMs = 30_000;

/** Ours: readings that may wait for the gateway; what comes when so many wait is not measured. */
const maxWaiting = 256;

/** Ours: how many messages of the past a device can tell of. */
const maxKept = 100_000;

/**
 * A constrained device without an MSGin5G Client, on MSGin5G-5: registers until it is taken, sends its readings one by one,
 * each until it is acknowledged or refused, and takes messages and reports on its own /msgin5g. An empty ACK is not
 * acceptance; a reading whose fate is unknown is sent again under its message ID.
 */
export class Device {
  readonly identity: DeviceIdentity;
  readonly inbox = new DeviceInbox();
  readonly #link: DeviceLink;
  readonly #setup: DeviceSetup;
  readonly #coap: CoapPeer;
  readonly #waiting: Outgoing[] = [];
  readonly #sent = new Map<string, SentMessage>();
  #registered = false;
  /** What the device is meant to be; `#registered` is what the gateway last said. */
  #wantsRegistration = false;
  #running = false;
  #gateway: Endpoint | undefined;
  #failed = 0;
  #failuresInARow = 0;
  #readings = 0;
  #stopMeasuring: Cancel = () => {};
  #wake: (() => void) | undefined;
  #endPause: (() => void) | undefined;

  constructor(identity: DeviceIdentity, link: DeviceLink, setup: DeviceSetup) {
    this.identity = identity;
    this.#link = link;
    this.#setup = setup;
    const { clock } = setup;
    this.#coap = new CoapPeer({
      clock,
      send: octets => link.send(octets),
      serve: request => this.inbox.serve(request),
    });
  }

  /**
   * Attaches to the gateway, registers, and from then on measures every `intervalMs`; 0 is never. Called again it changes
   * what is given; without a gateway it stays at its own.
   */
  async start(gateway: Endpoint | undefined, intervalMs: number): Promise<void> {
    this.#gateway = gateway ?? this.#gateway;
    if (!this.#gateway) throw this.#notStarted();
    await this.#link.open(this.#gateway, message => this.#coap.receive(message));
    this.#stopMeasuring();
    if (intervalMs > 0) this.#measureEvery(intervalMs);
    this.#wantsRegistration = true;
    if (this.#running) return this.#wake?.();
    this.#running = true;
    void this.#run();
  }

  stop(): void {
    this.#running = false;
    this.#gateway = undefined;
    this.#stopMeasuring();
    this.#endPause?.();
    this.#wake?.();
    this.#link.close();
  }

  async register(): Promise<CoapAnswer> {
    this.#wantsRegistration = true;
    const { layer2Id, appId, credential } = this.identity;
    const answer = await this.#exchange({ msgType: 'REG', layer2Id, appId, credential });
    this.#registered = isAccepted(answer);
    this.#wake?.();
    return answer;
  }

  async deregister(): Promise<CoapAnswer> {
    this.#wantsRegistration = false;
    const { layer2Id, appId } = this.identity;
    try {
      return await this.#exchange({ msgType: 'DEREG', layer2Id, appId });
    } finally {
      // Whatever the answer: what the device does not want it does not count on.
      this.#registered = false;
    }
  }

  /** Sends one message once; a device that should be registered and is told it is not registers and sends it again. */
  async send(message: Outgoing, timeoutMs?: number): Promise<CoapAnswer> {
    const { msgId, payload } = message;
    const sent = this.#sent.get(msgId) ?? { msgId, payload, acknowledged: false };
    if (this.#gateway) this.#note(sent);
    let answer = await this.#post(message, timeoutMs);
    if (this.#isUnknown(answer) && this.#wantsRegistration) {
      this.#registered = false;
      await this.register();
      if (this.#registered) answer = await this.#post(message, timeoutMs);
    }
    if (isAccepted(answer)) sent.acknowledged = true;
    return answer;
  }

  sendRaw(octets: Uint8Array): void {
    this.#link.sendRaw(octets);
  }

  view(): object {
    const { name, layer2Id, appId } = this.identity;
    return {
      name,
      link: this.#link.kind,
      layer2Id,
      appId,
      registered: this.#registered,
      sent: [...this.#sent.values()],
      waiting: this.#waiting.length,
      failed: this.#failed,
      ...this.inbox.view(),
    };
  }

  async #run(): Promise<void> {
    while (this.#running) {
      if (!this.#wantsRegistration || (this.#registered && this.#waiting.length === 0)) await this.#idle();
      else if (!this.#registered) await this.#try(() => this.register());
      else await this.#try(() => this.#sendFirst());
    }
  }

  /** Does one exchange; after one that came to nothing waits, the longer the more often. */
  async #try(exchange: () => Promise<CoapAnswer>): Promise<void> {
    try {
      const answer = await exchange();
      if (isAccepted(answer)) this.#failuresInARow = 0;
      else await this.#pause(Math.max(this.#backOffMs(), (answer.maxAgeSeconds ?? 0) * 1_000));
    } catch (error) {
      this.#setup.log.info('an exchange failed', { device: this.identity.name, reason: messageOf(error) });
      // Silence was waited out already, longer each time it retransmitted: the next attempt begins a new row.
      if (codeOf(error) === 'lab.no-answer') this.#failuresInARow = 0;
      await this.#pause(this.#backOffMs());
    }
  }

  async #sendFirst(): Promise<CoapAnswer> {
    const [first] = this.#waiting;
    const answer = await this.send(first);
    const isFinal = answer.code.startsWith('2') || (answer.code.startsWith('4') && !this.#isUnknown(answer));
    if (isFinal) this.#waiting.shift();
    if (isFinal && !isAccepted(answer)) this.#failed++;
    return answer;
  }

  #post({ msgId, payload, delivStReqInd }: Outgoing, timeoutMs?: number): Promise<CoapAnswer> {
    const { appId } = this.identity;
    const optional = delivStReqInd === undefined ? {} : { delivStReqInd };
    const body = { msgType: 'MSG', appId, msgId, destAddr: applicationServer, payload, ...optional };
    return this.#exchange(body, timeoutMs);
  }

  async #exchange(body: object, timeoutMs?: number): Promise<CoapAnswer> {
    if (!this.#gateway) throw this.#notStarted();
    return this.#coap.post('/msgin5g', body, timeoutMs);
  }

  #note(sent: SentMessage): void {
    this.#sent.set(sent.msgId, sent);
    if (this.#sent.size <= maxKept) return;
    const [oldest] = this.#sent.keys();
    this.#sent.delete(oldest);
  }

  #notStarted(): GatewayError {
    const hint = 'POST /devices/start {"gateway":"HOST:PORT"} first';
    return new GatewayError('lab.not-started', `${this.identity.name} has no gateway yet`, { hint });
  }

  #isUnknown(answer: CoapAnswer): boolean {
    return answer.code === '4.04' && fieldOf(answer, 'failureCause') === 'NOT_REGISTERED';
  }

  #measureEvery(intervalMs: number): void {
    this.#readings++;
    const payload = `${this.identity.name} reading ${this.#readings}`;
    if (this.#waiting.length < maxWaiting) this.#waiting.push({ msgId: randomUUID(), payload, delivStReqInd: true });
    this.#wake?.();
    this.#stopMeasuring = this.#setup.clock.after(intervalMs, () => this.#measureEvery(intervalMs));
  }

  #backOffMs(): number {
    const waitMs = Math.min(longestWaitMs, firstWaitMs * 2 ** this.#failuresInARow++);
    return waitMs * (0.75 + this.#setup.random() / 2);
  }

  /** Until there is something to do. */
  #idle(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve;
    });
  }

  /** Until the time has passed; only `stop` ends it sooner, or a refused device would be a busy one. */
  #pause(delayMs: number): Promise<void> {
    if (!this.#running) return Promise.resolve();
    return new Promise(resolve => {
      const cancel = this.#setup.clock.after(delayMs, resolve);
      this.#endPause = () => {
        cancel();
        resolve();
      };
    });
  }
}

/** 2.01 or 2.04 whose body tells of no failure: the code alone promises nothing. */
function isAccepted(answer: CoapAnswer): boolean {
  return (
    answer.code.startsWith('2') && fieldOf(answer, 'result') !== false && fieldOf(answer, 'status') !== 'DELY_FAILED'
  );
}

function fieldOf(answer: CoapAnswer, name: string): unknown {
  return (answer.body as Record<string, unknown> | undefined)?.[name];
}
