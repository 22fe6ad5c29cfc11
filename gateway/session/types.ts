import type { Failure } from '../base/errors.ts';
import type { Secret } from '../base/secret.ts';
import type { CoapCounters, CoapResponse, IncomingRequest, IncomingResponse } from '../coap/types.ts';

/** K_AF with the end of its life. TS 33.535 §6.1. */
export interface ApplicationKey {
  readonly kAf: Secret;
  /** Wall clock. No session, and no resumption of one, outlives it. */
  readonly expiresAtMs: number;
}

/**
 * Where application keys come from. It gives K_AF, never K_AKMA: a modem or an operator's provider does not hand out
 * the anchor key. `aKid` is read anew before every handshake, since each primary authentication makes a new one.
 */
export interface KeySource {
  /** The A-KID, octet for octet as provisioned, or undefined while there is none. Rejects as `kAf` where it can say why. */
  aKid(): Promise<string | undefined>;
  /**
   * @param afId the FQDN of the AF, hashed verbatim (TS 33.535 §A.4)
   * @param uaStarId the 5 octets of the Ua* security protocol identifier (TS 33.220 Annex H)
   * @throws GatewayError `akma.no-key`, `akma.expired`, `akma.key-file`, `akma.key-file-mode`
   */
  kAf(afId: string, uaStarId: Uint8Array): Promise<ApplicationKey>;
}

export type SessionState = 'no-key' | 'keyed' | 'handshaking' | 'registering' | 'up' | 'lost';

/** Where on the way to the server something failed. */
export type SessionLayer = 'AKMA' | 'DNS' | 'UDP' | 'DTLS' | 'CoAP' | 'registration';

export interface SessionStatus {
  readonly state: SessionState;
  /** Wall clock, when this state began. */
  readonly sinceMs: number;
  /** Wall clock of the last exchange that succeeded: "up" means proved within the last 60 s. */
  readonly provedAtMs?: number;
  readonly server: string;
  readonly aKid?: string;
  readonly keyExpiresAtMs?: number;
  /** IANA suite code and whether the session was resumed. */
  readonly suite?: number;
  readonly resumed?: boolean;
  /** Wall clock of the next try, while waiting for one. */
  readonly nextTryAtMs?: number;
  readonly attempts: number;
  readonly roundTripMs?: number;
  /** Why it is not up: layer and reason. Kept until it is up, so that it shows during the next try as well. */
  readonly reason?: Failure & { readonly layer?: SessionLayer };
}

/** What MSGin5G-1 asks of the way to the server. */
export interface Session {
  /** CoAP with the server since the program started, over all security sessions. */
  readonly counters: Readonly<CoapCounters>;
  status(): SessionStatus;
  onStatus(listener: (status: SessionStatus) => void): () => void;
  start(): void;
  /** De-registers when up, closes, never takes longer than `withinMs`. The state is then `no-key` with reason `session.stopped`. */
  stop(withinMs: number): Promise<void>;
  /**
   * Registers anew on the session that is up, for a server that lost our registration. Where that fails the session is
   * lost, and its status says why: without a registration nothing can be relayed.
   */
  register(): Promise<void>;
  /** POSTs to the server's MSGin5G resource. Rejects with `session.not-up` at once when it is not, or with the exchange's error. */
  post(payload: Uint8Array, options?: { confirmable?: boolean }): Promise<IncomingResponse>;
}

/** What MSGin5G-1 does on the session: registration when it comes up, de-registration at the end, and the server's own requests. */
export interface SessionUser {
  /** Called on a fresh or resumed DTLS session. Resolves when the server registered us; a GatewayError says why not. */
  register(post: (payload: Uint8Array) => Promise<IncomingResponse>): Promise<void>;
  deregister(post: (payload: Uint8Array) => Promise<IncomingResponse>): Promise<void>;
  onRequest(request: IncomingRequest): CoapResponse | Promise<CoapResponse>;
}
