import { Backoff } from '../base/backoff.ts';
import { hex } from '../base/bytes.ts';
import type { Clock } from '../base/clock.ts';
import { GatewayError } from '../base/errors.ts';
import { errorFacts, type Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import { Secret } from '../base/secret.ts';
import { newCoapCounters, type CoapParameters, type IncomingResponse } from '../coap/types.ts';
import { asGatewayError, handshakeFailure } from './failures.ts';
import { readHandshakeKeys, wipe, type HandshakeKeys, type KeyQuestion } from './keys.ts';
import { Line } from './line.ts';
import { PskAnswer, type HintPolicy } from './psk-answer.ts';
import { after, Run, stopped } from './run.ts';
import { States } from './states.ts';
import type { SecureChannel, Transport } from './transport.ts';
import type { KeySource, Session, SessionStatus, SessionUser } from './types.ts';

export interface SessionOptions extends HintPolicy {
  readonly server: {
    /** The AF's FQDN: hashed into K_AF verbatim. */
    readonly fqdn: string;
    /** For people: where it is dialled. */
    readonly where: string;
    readonly uriPath: readonly string[];
  };
  /** IANA codes, those that the transport offers. */
  readonly suites: readonly number[];
  /** `auto`, or the 10 hexadecimal digits that every suite uses instead of its own identifier. */
  readonly uaStarId: string;
  readonly keySource: KeySource;
  readonly transport: Transport;
  readonly user: SessionUser;
  readonly pingAfterSilenceMs: number;
  /** Agreed with the server's operator; RFC 7252 §4.8 otherwise. */
  readonly coap?: Partial<CoapParameters>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/**
 * The way to the server, kept up for as long as it is started:
 *
 * ```
 *   no-key --> keyed --> handshaking --> registering --> up
 *     ^          ^            |               |           |
 *     |          |            v               v           v
 *     +--------- + ---------------------- lost -----------+
 * ```
 *
 * Each round reads the keys anew, does one handshake (a resumption from the same port where there is something to
 * resume), registers and stays up until something ends it. Then it decides how long to wait for the next round.
 */
export function createSession(options: SessionOptions): Session {
  return new ServerSession(options);
}

/** Ours: a session that was up for this long earns an immediate resumption; a shorter one waits like a failure. */
const steadyAfterMs = 10_000;

/** Ours: the first wait is one to two seconds, and no wait is longer than a minute. */
const firstWaitMs = 2_000;
const longestWaitMs = 60_000;

/** What would resume the last session, and until when that is allowed. */
interface Resumption {
  readonly session: Secret;
  readonly aKid: string;
  readonly endsAtMs: number;
}

/** How far a round came. */
interface Round {
  during: 'keys' | 'handshake' | 'registration' | 'up';
  triedResumption: boolean;
  upSinceMs: number;
}

class ServerSession implements Session {
  readonly counters = newCoapCounters();
  readonly #options: SessionOptions;
  readonly #question: KeyQuestion;
  readonly #states: States;
  readonly #backoff: Backoff;
  #run: Run | undefined;
  #stopping: Promise<void> = Promise.resolve();
  #resumption: Resumption | undefined;
  #keysWereReadAgain = false;

  constructor(options: SessionOptions) {
    const { server, uaStarId, clock, random } = options;
    this.#options = options;
    this.#question = { ...options, fqdn: server.fqdn, uaStarId: uaStarId === 'auto' ? uaStarId : hex(uaStarId) };
    this.#states = new States(server.where, clock, stopped());
    this.#backoff = new Backoff(firstWaitMs, longestWaitMs, random);
  }

  status(): SessionStatus {
    return this.#states.status;
  }

  onStatus(listener: (status: SessionStatus) => void): () => void {
    return this.#states.onChange(listener);
  }

  start(): void {
    if (this.#run) return;
    const run = new Run(this.#options.clock);
    this.#run = run;
    this.#backoff.reset();
    run.done = this.#stopping.then(() => this.#live(run));
  }

  stop(withinMs: number): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    if (run) this.#stopping = this.#end(run, withinMs);
    return this.#stopping;
  }

  post(payload: Uint8Array, { confirmable = true } = {}): Promise<IncomingResponse> {
    const line = this.#run?.line;
    if (!line || this.#states.status.state !== 'up') return Promise.reject(notUp(this.#states.status));
    return line.post(payload, confirmable);
  }

  async register(): Promise<void> {
    const line = this.#run?.line;
    if (!line || this.#states.status.state !== 'up') throw notUp(this.#states.status);
    try {
      await this.#registerOn(line);
    } catch (error) {
      const reason = asGatewayError(error, 'registration.failed', 'registering anew failed');
      await line.close(reason);
      throw reason;
    }
  }

  async #live(run: Run): Promise<void> {
    while (run.isOn) {
      const round: Round = { during: 'keys', triedResumption: false, upSinceMs: 0 };
      const reason = await this.#play(run, round).catch((error: unknown) =>
        asGatewayError(error, 'session.failed', 'the session failed'),
      );
      if (!run.isOn) return;
      const waitMs = this.#waitAfter(round, reason);
      const nextTryAtMs = this.#options.clock.wallMs() + waitMs;
      this.#states.to(round.during === 'keys' ? 'no-key' : 'lost', { nextTryAtMs }, reason);
      this.#options.log.warn('the session is not up', { ...errorFacts(reason), during: round.during, waitMs });
      await run.line?.close(reason);
      run.line = undefined;
      if (waitMs > 0) await run.pause(waitMs);
    }
  }

  /** One round through the states. Resolves with what ended a session that was up, rejects with what was in its way. */
  async #play(run: Run, round: Round): Promise<GatewayError> {
    const { server, transport, clock, log } = this.#options;
    const keys = await readHandshakeKeys(this.#question);
    run.check();
    const resumption = this.#resumptionFor(keys);
    const endsAtMs = Math.min(keys.expiresAtMs, resumption?.endsAtMs ?? Infinity);
    round.triedResumption = resumption !== undefined;
    this.#states.to('keyed', { aKid: keys.aKid, keyExpiresAtMs: endsAtMs });

    round.during = 'handshake';
    this.#states.to('handshaking');
    const answer = new PskAnswer(keys, this.#options, log);
    const channel = transport.connect({ psk: answer.give, resume: resumption?.session, endsAtMs });
    const line = this.#lineOver(channel);
    run.line = line;
    try {
      await line.open();
    } catch (error) {
      throw answer.refusal ?? handshakeFailure(error, server.where, answer.wasAsked);
    } finally {
      wipe(keys);
    }
    run.check();
    const session = channel.exportSession();
    this.#resumption = session && { session: new Secret(session), aKid: keys.aKid, endsAtMs };

    round.during = 'registration';
    this.#states.to('registering', { suite: channel.facts?.suite, resumed: channel.facts?.resumed });
    await this.#registerOn(line);
    run.check();

    round.during = 'up';
    round.upSinceMs = clock.monotonicMs();
    line.watch();
    this.#keysWereReadAgain = false;
    this.#states.to('up');
    log.info('the session is up', {
      server: server.where,
      suite: channel.facts?.suite,
      resumed: channel.facts?.resumed,
    });
    return line.lost;
  }

  async #registerOn(line: Line): Promise<void> {
    await Promise.race([
      this.#options.user.register(payload => line.post(payload)),
      line.lost.then(reason => Promise.reject(reason)),
    ]);
  }

  #lineOver(channel: SecureChannel): Line {
    const { server, user, pingAfterSilenceMs, coap, clock, random, log } = this.#options;
    return new Line({
      channel,
      uriPath: server.uriPath,
      pingAfterSilenceMs,
      coap,
      counters: this.counters,
      clock,
      random,
      log,
      onRequest: request => user.onRequest(request),
      onProof: roundTripMs => this.#states.prove(roundTripMs),
    });
  }

  /** A resumption is of the same key or none: a new A-KID means a new primary authentication. */
  #resumptionFor({ aKid }: HandshakeKeys): Resumption | undefined {
    const kept = this.#resumption;
    const isOfUse = kept !== undefined && kept.aKid === aKid && kept.endsAtMs > this.#options.clock.wallMs();
    return (this.#resumption = isOfUse ? kept : undefined);
  }

  /** How long to wait before the next round, 0 for at once; at once never twice for the same reason. */
  #waitAfter({ during, triedResumption, upSinceMs }: Round, { code }: GatewayError): number {
    if (during === 'up' && this.#options.clock.monotonicMs() - upSinceMs >= steadyAfterMs) {
      this.#backoff.reset();
      return 0;
    }
    if (during === 'handshake' && triedResumption) {
      this.#resumption = undefined;
      return 0;
    }
    // The key may have been renewed between reading and handshake: it is read once more before the refusal counts.
    if (code === 'akma.refused' && !this.#keysWereReadAgain) {
      this.#keysWereReadAgain = true;
      return 0;
    }
    return this.#backoff.nextMs();
  }

  async #end(run: Run, withinMs: number): Promise<void> {
    const { line } = run;
    const wasUp = this.#states.status.state === 'up';
    run.end();
    this.#states.to('no-key', {}, stopped());
    const deadline = after(this.#options.clock, withinMs);
    if (line && wasUp) await Promise.race([this.#deregister(line), deadline.passed]);
    const letGo = Promise.all([line?.close(stopped()), this.#options.transport.close(), run.done]);
    await Promise.race([letGo, deadline.passed]);
    deadline.cancel();
  }

  async #deregister(line: Line): Promise<void> {
    try {
      await Promise.race([this.#options.user.deregister(payload => line.post(payload)), line.lost]);
    } catch (error) {
      this.#options.log.warn('could not de-register at the server', errorFacts(error));
    }
  }
}

function notUp({ state, reason }: SessionStatus): GatewayError {
  const why = reason ? `: ${reason.message}` : '';
  return new GatewayError('session.not-up', `the session with the server is not up (${state})${why}`, {
    hint: reason?.hint,
  });
}
