import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { hex, toHex } from '../gateway/base/bytes.ts';
import type { Clock } from '../gateway/base/clock.ts';
import { GatewayError } from '../gateway/base/errors.ts';
import { replacePrivateFile } from '../gateway/base/private-file.ts';
import { Secret } from '../gateway/base/secret.ts';
import type { Aanf, AkmaContext } from './aanf.ts';
import { aKidOf, deriveATid, deriveKAkma, type HomeNetwork } from './akma.ts';

export interface Subscriber extends HomeNetwork {
  /** IMSI digits. */
  readonly supi: string;
  /** The UE Service IDs that the configuration associates with this SUPI. TS 33.501 §Y.2 */
  readonly ueServiceIds: readonly string[];
}

/** Ours: a week, so that nobody's demonstration ends by it. */
const keyLifetimeMs = 7 * 24 * 3_600_000;

/** Ours: a key that ends within the hour is replaced when the lab starts. */
const renewBeforeMs = 3_600_000;

/**
 * The home network as far as AKMA sees it: primary authentication leaves one K_AUSF on both sides; the network's half goes
 * to the AAnF, the UE's half into the provisioned key file that the gateway reads.
 */
export class Core {
  readonly #subscriber: Subscriber;
  readonly #keyFile: string;
  readonly #aanf: Aanf;
  readonly #clock: Clock;

  constructor(subscriber: Subscriber, keyFile: string, aanf: Aanf, clock: Clock) {
    this.#subscriber = subscriber;
    this.#keyFile = keyFile;
    this.#aanf = aanf;
    this.#clock = clock;
  }

  /** Goes on with the key file that is there, or authenticates when there is none or it is about to expire. */
  start(): void {
    const context = existsSync(this.#keyFile) ? readKeyFile(this.#keyFile) : undefined;
    const lasts = context && context.expiresAtMs - this.#clock.wallMs() > renewBeforeMs;
    if (lasts && context.supi === this.#subscriber.supi) this.#aanf.registerAnchorKey(context);
    else this.authenticate();
  }

  /** A primary authentication: a new K_AUSF, hence a new A-KID and K_AKMA; the AAnF forgets the old ones. */
  authenticate(lifetimeMs = keyLifetimeMs): AkmaContext {
    const { supi } = this.#subscriber;
    const kAusf = randomBytes(32);
    const context: AkmaContext = {
      supi,
      aKid: aKidOf(deriveATid(kAusf, supi), this.#subscriber),
      kAkma: new Secret(deriveKAkma(kAusf, supi)),
      expiresAtMs: this.#clock.wallMs() + lifetimeMs,
    };
    this.#aanf.registerAnchorKey(context);
    replacePrivateFile(this.#keyFile, keyFileText(context));
    return context;
  }
}

function keyFileText({ supi, aKid, kAkma, expiresAtMs }: AkmaContext): string {
  const expiresAt = new Date(expiresAtMs).toISOString();
  return `${JSON.stringify({ supi, aKid, kAkma: toHex(kAkma.reveal()), expiresAt }, null, 2)}\n`;
}

function readKeyFile(path: string): AkmaContext {
  try {
    const { supi, aKid, kAkma, expiresAt } = JSON.parse(readFileSync(path, 'utf8'));
    const expiresAtMs = Date.parse(expiresAt);
    if (typeof supi !== 'string' || typeof aKid !== 'string' || Number.isNaN(expiresAtMs)) {
      throw new TypeError('supi, aKid or expiresAt is missing');
    }
    return { supi, aKid, kAkma: new Secret(hex(kAkma)), expiresAtMs };
  } catch (cause) {
    throw new GatewayError('lab.key-file', `${path} is not a key file`, {
      cause,
      hint: 'remove it: the lab writes a new one',
    });
  }
}
