import { createRequire } from 'node:module';
import { DtlsError } from './dtls-error.ts';

/** A pointer of C, which checks it. */
export type Handle = { readonly handle: unique symbol };
type Psk = [identity: string, key: Uint8Array, expiresAtMs: number];

/** Whom the engine asks during a call. Its functions never throw: what they met is in `failure`. */
export interface Owner {
  psk(suite: number, hint: string | undefined, identity: string): Psk | undefined;
  mayResume(identity: string, expiresAtMs: number): boolean;
  failure?: unknown;
}

/** addon.c: every call leaves its outcome in `status`. */
export interface Addon {
  readonly opensslVersion: string;
  /** What the last call left: status, state, datagrams pending, alert, whose alert, dropped, overhead, octets written. */
  readonly status: Int32Array;
  createContext(
    isServer: boolean,
    suites: readonly number[],
    hint: string | undefined,
    resumptionSeconds: number,
  ): Handle;
  createClient(context: Handle, mtuBytes: number, timeoutMs: number, serverName?: string, resume?: Uint8Array): Handle;
  createListener(context: Handle, mtuBytes: number, timeoutMs: number, cookieSecret: Uint8Array): Handle;
  start(session: Handle, owner: Owner): void;
  receive(session: Handle, datagram: Uint8Array, room: Uint8Array, owner: Owner): Uint8Array[] | undefined;
  send(session: Handle, plaintext: Uint8Array, room: Uint8Array): Uint8Array | undefined;
  take(session: Handle): Uint8Array[];
  deadlineMs(session: Handle): number;
  handleTimeout(session: Handle, owner: Owner): void;
  facts(
    session: Handle,
  ): [number, boolean, boolean, string, string | undefined, string | undefined, number] | undefined;
  exportSession(session: Handle): Uint8Array | undefined;
  close(session: Handle): void;
  reason(session: Handle): string;
  listen(listener: Handle, datagram: Uint8Array, peer: Uint8Array, owner: Owner): Handle | undefined;
  takeReplies(listener: Handle): Uint8Array[];
  forbidCoreDumps(): boolean;
}

let loaded: Addon | undefined;

/** The addon, loaded once. */
export function addon(): Addon {
  if (loaded) return loaded;
  try {
    loaded = createRequire(import.meta.url)('../out/native/dtls.node') as Addon;
  } catch (cause) {
    throw new DtlsError('dtls.addon-missing', 'the DTLS addon is not built: run `npm run build:native`', { cause });
  }
  return loaded;
}
