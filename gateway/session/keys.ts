import type { Clock } from '../base/clock.ts';
import { codeOf, GatewayError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import { uaStarIdOfSuite } from './akma.ts';
import { pskIdentity, type PskIdentityFormat } from './psk-identity.ts';
import type { KeySource } from './types.ts';

/** What one handshake needs: the PSK callback is synchronous, so K_AF of every offered suite is there before it begins. */
export interface HandshakeKeys {
  readonly aKid: string;
  readonly identity: string;
  readonly kAfOfSuite: ReadonlyMap<number, Secret>;
  /** Wall clock: the earliest end among them. */
  readonly expiresAtMs: number;
}

export interface KeyQuestion {
  readonly keySource: KeySource;
  /** The AF's FQDN, verbatim. */
  readonly fqdn: string;
  readonly suites: readonly number[];
  /** 5 octets for every suite, or `auto`: each suite's own. TS 33.220 §H.3. */
  readonly uaStarId: 'auto' | Uint8Array;
  readonly identityFormat: PskIdentityFormat;
  readonly clock: Clock;
}

/** Ours: a key that changes three times while it is read is not one to use. */
const maxReads = 3;

/** Reads A-KID and K_AF anew. Both are of the same primary authentication: a key renewed in between is read again. */
export async function readHandshakeKeys(question: KeyQuestion): Promise<HandshakeKeys> {
  try {
    for (let read = 0; read < maxReads; read++) {
      const keys = await readOnce(question);
      if ((await question.keySource.aKid()) === keys.aKid) return keys;
      wipe(keys);
    }
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    // Another's error may hold anything, a key too: its code is all that is told.
    throw new GatewayError('akma.key-source', `the key source failed: ${codeOf(error)}`, {
      hint: 'it is read again by itself; when it stays so, look at what provides the keys',
    });
  }
  throw new GatewayError('akma.key-source', 'the A-KID changed each time while the key was read', {
    hint: 'it is read again by itself; when it stays so, two programs provision keys',
  });
}

/** Overwrites what was read. */
export function wipe(keys: HandshakeKeys): void {
  for (const kAf of keys.kAfOfSuite.values()) kAf.reveal().fill(0);
}

async function readOnce({
  keySource,
  fqdn,
  suites,
  uaStarId,
  identityFormat,
  clock,
}: KeyQuestion): Promise<HandshakeKeys> {
  const aKid = await keySource.aKid();
  if (aKid === undefined) {
    throw new GatewayError('akma.no-key', 'there is no AKMA key', {
      hint: 'the device must authenticate to the network first',
    });
  }
  const identity = pskIdentity(aKid, identityFormat);
  const kAfOfSuite = new Map<number, Secret>();
  let expiresAtMs = Infinity;
  for (const suite of suites) {
    const key = await keySource.kAf(fqdn, uaStarId === 'auto' ? uaStarIdOfSuite(suite) : uaStarId);
    // A copy, so that wiping it takes nothing from a source that keeps its own.
    kAfOfSuite.set(suite, new Secret(key.kAf.reveal().slice()));
    expiresAtMs = Math.min(expiresAtMs, key.expiresAtMs);
  }
  if (expiresAtMs <= clock.wallMs()) {
    throw new GatewayError('akma.expired', `K_AF expired at ${new Date(expiresAtMs).toISOString()}`, {
      hint: 'a new key needs a new primary authentication',
    });
  }
  return { aKid, identity, kAfOfSuite, expiresAtMs };
}
