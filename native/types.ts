/** What a finished handshake agreed on. */
export interface DtlsFacts {
  /** IANA suite code: 0xc0a8, 0x00a8, 0xccac. */
  readonly suite: number;
  readonly resumed: boolean;
  readonly extendedMasterSecret: boolean;
  /** PSK identity that was used, at either end. */
  readonly identity: string;
  /** Hint in ServerKeyExchange, when the server sent one (client) or was told to (server). */
  readonly identityHint?: string;
  /** SNI, as offered by the client. */
  readonly serverName?: string;
  /** Server: when the key ends, as `psk` said; a resumed session keeps it. Wall clock. */
  readonly expiresAtMs?: number;
}

export interface DtlsClientOptions {
  /** IANA suite codes in order of preference. */
  readonly suites: readonly number[];
  readonly serverName?: string;
  /** Largest datagram to make, in octets. */
  readonly mtuBytes: number;
  /** First handshake retransmission; doubles up to 60 s. RFC 7925 §11 recommends 9 s, RFC 6347 §4.2.4.1 names 1 s. */
  readonly initialTimeoutMs: number;
  /** Called once the ServerHello chose the suite. Undefined refuses. The key is copied, and the copy wiped after use. */
  readonly psk: (suite: number, identityHint: string | undefined) => { identity: string; key: Uint8Array } | undefined;
  /** What `exportSession` gave at an earlier session with this server. */
  readonly resume?: Uint8Array;
}

export interface DtlsServerOptions {
  readonly suites: readonly number[];
  readonly identityHint?: string;
  readonly mtuBytes: number;
  readonly initialTimeoutMs: number;
  /** 32 octets: the HMAC key of the cookie. */
  readonly cookieSecret: Uint8Array;
  /** Called once the suite is chosen. Undefined refuses. With `expiresAtMs`, wall clock, nothing resumes after that. */
  readonly psk: (identity: string, suite: number) => Uint8Array | { key: Uint8Array; expiresAtMs: number } | undefined;
  /**
   * Asked before a session is resumed; false means a full handshake. Here a key that was withdrawn is refused, and
   * here a clock of the caller's decides. Without it, the system's decides about `expiresAtMs`.
   */
  readonly mayResume?: (identity: string, expiresAtMs: number | undefined) => boolean;
  /** How long a session may be resumed, in seconds; 0 refuses resumption. */
  readonly resumptionLifetimeSeconds: number;
}

/**
 * One DTLS association: datagrams in; datagrams, plaintext and the next deadline out. No socket, no timer.
 * Every method throws DtlsError on a fatal condition; the session is then closed, with its alert in `takeDatagrams`.
 */
export interface DtlsSession {
  readonly state: 'handshaking' | 'open' | 'closed';
  /** Client: makes the first flight. Server sessions are started by their listener. */
  start(): void;
  /**
   * Feeds one datagram. Returns the plaintexts of its application records, oldest first; `empty` (one shared array) when
   * there were none. Records that do not authenticate, replays and foreign epochs are dropped in silence and counted.
   */
  receive(datagram: Uint8Array): readonly Uint8Array[];
  /** Seals one application record of 1 octet or more: the datagram to send, as large as `mtuBytes` at most. Only when open. */
  send(plaintext: Uint8Array): Uint8Array;
  /** Datagrams that the engine wants sent (flights, alerts), oldest first. */
  takeDatagrams(): readonly Uint8Array[];
  /** Milliseconds until `handleTimeout` is due; undefined when no timer runs. */
  deadlineMs(): number | undefined;
  handleTimeout(): void;
  /** Throws while handshaking. */
  facts(): DtlsFacts;
  /** The session for resumption, secret; undefined where it may not be resumed (no extended master secret). */
  exportSession(): Uint8Array | undefined;
  /** Records dropped once open: bad MAC, replay, wrong epoch, nonsense. */
  dropped(): number;
  /** Queues close_notify and closes. May be called twice. */
  close(): void;
}

/** A server's ear: stateless until a cookie came back. RFC 6347 §4.2.1. */
export interface DtlsListener {
  /**
   * A datagram from a peer without a session. Returns datagrams to send back (HelloVerifyRequest) and, when the cookie
   * was good, the new session, which has taken the datagram in.
   * @param peer octets that identify the peer's address, bound into the cookie
   */
  receive(datagram: Uint8Array, peer: Uint8Array): DtlsHeard;
}

export interface DtlsHeard {
  /** Datagrams to send back: HelloVerifyRequest, or the alert of a handshake that failed at its first message. */
  readonly reply: readonly Uint8Array[];
  readonly session?: DtlsSession;
  /** Why a ClientHello with a good cookie made no session. */
  readonly failure?: DtlsErrorShape;
}

/**
 * Codes: `dtls.psk-refused`, `dtls.no-common-suite`, `dtls.alert` (with `alert`), `dtls.protocol`, `dtls.closed`,
 * `dtls.timeout`, `dtls.too-large`, `dtls.busy`, `dtls.memory`, `dtls.addon-missing`. What a `psk` threw is its `cause`.
 * A wrong argument is a TypeError.
 */
export interface DtlsErrorShape extends Error {
  readonly code: string;
  /** TLS alert number received or sent, when one ended it: 115 unknown_psk_identity, 51 decrypt_error, 40 handshake_failure. */
  readonly alert?: number;
  readonly alertFrom?: 'peer' | 'us';
}

/** What the addon is to JavaScript. */
export interface Dtls {
  /** `OpenSSL 3.0.19 ...` as linked. */
  readonly opensslVersion: string;
  createClient(options: DtlsClientOptions): DtlsSession;
  createListener(options: DtlsServerOptions): DtlsListener;
}
