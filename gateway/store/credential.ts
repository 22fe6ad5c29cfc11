import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayError, codeOf } from '../base/errors.ts';
import { replacePrivateFile } from '../base/private-file.ts';
import { Secret } from '../base/secret.ts';
import { fileFailure } from './file-failure.ts';

/** HMAC-SHA-256 takes any length; 32 octets are as many as it gives. RFC 2104 §3. */
const keyBytes = 32;
const fileName = 'credential.key';

export interface Credentials {
  /** What is stored of a device's credential: 32 octets from which it cannot be guessed without the key. */
  hash(credential: string): Uint8Array;
  /** Takes as long for a wrong credential as for a device that is not known (`undefined`). */
  matches(credential: string, credentialHash: Uint8Array | undefined): boolean;
}

/**
 * The key of the credential hashes, `credential.key` in the data directory, made at first start. Whoever has the database but not
 * this file cannot try credentials.
 * @throws GatewayError `store.credential-key` when the file is not 32 octets or others may read it
 */
export function openCredentials(directory: string): Credentials {
  const path = join(directory, fileName);
  try {
    return credentialsUnder(new Secret(readKey(path) ?? makeKey(path)));
  } catch (error) {
    throw fileFailure(error, path);
  }
}

export function credentialsUnder(key: Secret): Credentials {
  const hash = (credential: string): Uint8Array =>
    createHmac('sha256', key.reveal()).update(credential, 'utf8').digest();
  const nobody = randomBytes(keyBytes);
  return {
    hash,
    matches: (credential, credentialHash) => {
      const isKnown = credentialHash?.length === keyBytes;
      const isEqual = timingSafeEqual(hash(credential), isKnown ? credentialHash : nobody);
      return isKnown && isEqual;
    },
  };
}

function readKey(path: string): Uint8Array | undefined {
  let octets: Uint8Array;
  try {
    octets = readFileSync(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  if ((statSync(path).mode & 0o077) !== 0) {
    throw new GatewayError('store.credential-key', `others may read ${path}`, { hint: `chmod 600 ${path}` });
  }
  if (octets.length !== keyBytes) {
    throw new GatewayError('store.credential-key', `${path} holds ${octets.length} octets instead of ${keyBytes}`, {
      hint: 'restore it from a backup; without it every device has to be given its credential anew',
    });
  }
  return octets;
}

function makeKey(path: string): Uint8Array {
  const key = randomBytes(keyBytes);
  replacePrivateFile(path, key);
  return key;
}
