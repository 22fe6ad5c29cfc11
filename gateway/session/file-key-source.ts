import type { Clock } from '../base/clock.ts';
import { GatewayError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import { afIdOctets, deriveKaf } from './akma.ts';
import { readKeyFile, type ProvisionedKey } from './key-file.ts';
import type { ApplicationKey, KeySource } from './types.ts';

export interface FileKeySourceOptions {
  /** JSON: supi, aKid (or aKidParts), kAkma, expiresAt; mode 0600. */
  readonly path: string;
  readonly clock: Clock;
}

/**
 * Application keys from a provisioned file. It is read at every question, so a key that was renewed while the program
 * runs is taken at the next handshake, and K_AKMA stays in memory no longer than a derivation. TS 33.535 §6.1.
 */
export class FileKeySource implements KeySource {
  readonly #path: string;
  readonly #clock: Clock;

  constructor({ path, clock }: FileKeySourceOptions) {
    this.#path = path;
    this.#clock = clock;
  }

  async aKid(): Promise<string> {
    const { aKid } = await this.#read();
    return aKid;
  }

  async kAf(afId: string, uaStarId: Uint8Array): Promise<ApplicationKey> {
    const { kAkma, expiresAtMs } = await this.#read();
    const kAf = new Secret(deriveKaf(kAkma.reveal(), afIdOctets(afId, uaStarId)));
    kAkma.reveal().fill(0);
    return { kAf, expiresAtMs };
  }

  async #read(): Promise<ProvisionedKey> {
    const key = await readKeyFile(this.#path);
    if (key.expiresAtMs <= this.#clock.wallMs()) {
      const ended = new Date(key.expiresAtMs).toISOString();
      throw new GatewayError('akma.expired', `the AKMA key in ${this.#path} expired at ${ended}`, {
        hint: 're-authenticate to the network and provision the new key',
      });
    }
    return key;
  }
}
