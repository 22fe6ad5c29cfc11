import { GatewayError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Secret } from '../base/secret.ts';
import type { HandshakeKeys } from './keys.ts';
import { judgeIdentityHint, type PskIdentityFormat } from './psk-identity.ts';

export interface HintPolicy {
  readonly identityFormat: PskIdentityFormat;
  /** What to do about a server that sends no identity hint, against TS 24.109 §K.3.2 but common. */
  readonly requireIdentityHint: 'warn' | 'refuse';
}

/** The answer of one handshake to the server's wish for a key, and what became of the question. */
export class PskAnswer {
  readonly #keys: HandshakeKeys;
  readonly #policy: HintPolicy;
  readonly #log: Log;
  #wasAsked = false;
  #refusal: GatewayError | undefined;

  constructor(keys: HandshakeKeys, policy: HintPolicy, log: Log) {
    this.#keys = keys;
    this.#policy = policy;
    this.#log = log;
  }

  /** The server chose a suite and wants the key. */
  get wasAsked(): boolean {
    return this.#wasAsked;
  }

  /** Why we refused, when we did. */
  get refusal(): GatewayError | undefined {
    return this.#refusal;
  }

  readonly give = (suite: number, hint: string | undefined): { identity: string; key: Secret } | undefined => {
    this.#wasAsked = true;
    this.#refusal = this.#objection(hint);
    const kAf = this.#keys.kAfOfSuite.get(suite);
    if (this.#refusal || !kAf) return undefined;
    return { identity: this.#keys.identity, key: new Secret(kAf.reveal().slice()) };
  };

  #objection(hint: string | undefined): GatewayError | undefined {
    const { identityFormat, requireIdentityHint } = this.#policy;
    const verdict = judgeIdentityHint(hint, identityFormat);
    if (verdict === 'other') {
      return new GatewayError(
        'akma.wrong-hint',
        `the server does not name ${identityFormat.prefix} in its identity hint`,
        {
          hint: 'it may expect keys of another kind (GBA): check host and port, or set akma.pskIdentityPrefix to what it names',
        },
      );
    }
    if (verdict === 'named') return undefined;
    if (requireIdentityHint === 'warn') {
      this.#log.warn('the server sends no identity hint, against TS 24.109 K.3.2: going on');
      return undefined;
    }
    return new GatewayError('akma.no-hint', 'the server sends no identity hint', {
      hint: 'TS 24.109 K.3.2 demands one; akma.requireIdentityHint "warn" goes on without',
    });
  }
}
