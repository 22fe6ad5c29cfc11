import type { Clock } from '../gateway/base/clock.ts';
import { Secret } from '../gateway/base/secret.ts';
import { deriveKAf } from './akma.ts';

/** What the AUSF registers after a primary authentication. TS 33.535 §7.1, Naanf_AKMA_AnchorKey_Register */
export interface AkmaContext {
  readonly supi: string;
  readonly aKid: string;
  readonly kAkma: Secret;
  readonly expiresAtMs: number;
}

/** What an AF gets for an A-KID. TS 29.522, AkmaAfKeyData */
export interface AfKey {
  readonly kAf: Secret;
  readonly supi: string;
  readonly expiresAtMs: number;
}

/** The AKMA Anchor Function: keeps the newest anchor key of each subscriber and derives application keys from it. */
export class Aanf {
  readonly #bySupi = new Map<string, AkmaContext>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes the place of what the subscriber had: only the latest is kept. TS 33.535 §6.1 step 4 */
  registerAnchorKey(context: AkmaContext): void {
    this.#bySupi.set(context.supi, context);
  }

  /** Naanf_AKMA_ApplicationKey_Get; undefined where the interface answers 204: no such context, or it has expired. */
  applicationKey(aKid: string, afId: Uint8Array): AfKey | undefined {
    const context = this.#context(aKid);
    if (!context) return undefined;
    const { supi, expiresAtMs } = context;
    return { kAf: new Secret(deriveKAf(context.kAkma.reveal(), afId)), supi, expiresAtMs };
  }

  /** Whose A-KID this is and how long it lasts, without a key. */
  subscriberOf(aKid: string): { supi: string; expiresAtMs: number } | undefined {
    return this.#context(aKid);
  }

  /** Naanf_AKMA_Context_Remove */
  removeContext(supi: string): void {
    this.#bySupi.delete(supi);
  }

  #context(aKid: string): AkmaContext | undefined {
    for (const context of this.#bySupi.values()) {
      if (context.aKid === aKid && context.expiresAtMs > this.#clock.wallMs()) return context;
    }
    return undefined;
  }
}
