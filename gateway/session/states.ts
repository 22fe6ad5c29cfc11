import type { Clock } from '../base/clock.ts';
import { failureOf, type GatewayError } from '../base/errors.ts';
import { layerOf } from './failures.ts';
import type { SessionState, SessionStatus } from './types.ts';

/** What may follow what. `no-key` from anywhere is the end of the program's session, or a key that is gone. */
const mayFollow: Readonly<Record<SessionState, readonly SessionState[]>> = {
  'no-key': ['keyed', 'no-key'],
  keyed: ['handshaking', 'no-key'],
  handshaking: ['registering', 'lost', 'no-key'],
  registering: ['up', 'lost', 'no-key'],
  up: ['lost', 'no-key'],
  lost: ['keyed', 'no-key'],
};

/** What a state knows beside its name. */
type StateFacts = Partial<
  Pick<SessionStatus, 'aKid' | 'keyExpiresAtMs' | 'suite' | 'resumed' | 'nextTryAtMs' | 'roundTripMs' | 'provedAtMs'>
>;

/** Ours: proofs come with every exchange; a listener hears of them once a second. */
const proofIntervalMs = 1_000;

/** The session's status, the one function that changes its state, and who wants to hear of it. */
export class States {
  readonly #clock: Clock;
  readonly #listeners = new Set<(status: SessionStatus) => void>();
  #status: SessionStatus;
  #toldMs = 0;

  constructor(server: string, clock: Clock, reason: GatewayError) {
    this.#clock = clock;
    this.#status = { state: 'no-key', sinceMs: clock.wallMs(), server, attempts: 0, reason: reasonOf(reason) };
  }

  get status(): SessionStatus {
    return this.#status;
  }

  /** Enters a state. Facts of the states before stay as far as they are still true. */
  to(state: SessionState, facts: StateFacts = {}, reason?: GatewayError): void {
    const before = this.#status;
    if (!mayFollow[before.state].includes(state)) throw new Error(`session: ${before.state} cannot become ${state}`);
    const isSecure = state === 'registering' || state === 'up';
    this.#status = {
      state,
      sinceMs: state === before.state ? before.sinceMs : this.#clock.wallMs(),
      server: before.server,
      attempts: state === 'up' ? 0 : before.attempts + (state === 'handshaking' ? 1 : 0),
      provedAtMs: before.provedAtMs,
      ...(state === 'no-key' ? {} : { aKid: before.aKid, keyExpiresAtMs: before.keyExpiresAtMs }),
      ...(isSecure ? { suite: before.suite, resumed: before.resumed, roundTripMs: before.roundTripMs } : {}),
      ...(state === 'up' ? {} : { reason: reason ? reasonOf(reason) : stillTrue(before.reason) }),
      ...facts,
    };
    this.#tell();
  }

  /** An exchange with the server succeeded. */
  prove(roundTripMs: number): void {
    this.#status = { ...this.#status, provedAtMs: this.#clock.wallMs(), roundTripMs };
    if (this.#clock.monotonicMs() - this.#toldMs >= proofIntervalMs) this.#tell();
  }

  onChange(listener: (status: SessionStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(): void {
    this.#toldMs = this.#clock.monotonicMs();
    for (const listener of this.#listeners) listener(this.#status);
  }
}

/** "Not started" is true no longer once it moves; what stood in the way of the last try may stand there still. */
function stillTrue(reason: SessionStatus['reason']): SessionStatus['reason'] {
  return reason?.code === 'session.stopped' ? undefined : reason;
}

function reasonOf(error: GatewayError): SessionStatus['reason'] {
  return { ...failureOf(error), layer: layerOf(error.code) };
}
