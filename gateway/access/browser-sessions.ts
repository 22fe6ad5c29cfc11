import { createHash, randomBytes } from 'node:crypto';

/** Browsers that may be signed in at once; the one signed in longest ago makes room. */
const maxSessions = 64;

/**
 * Who may use the dashboard: whoever opened a link with a token that was not spent before. The token is spent for a
 * session id, which the browser keeps in a cookie. Only hashes are kept here, and only in memory.
 */
export class BrowserSessions {
  readonly #random32: () => Uint8Array;
  readonly #tokens = new Set<string>();
  readonly #sessions = new Set<string>();

  /** @param random32 32 octets from a cryptographic source */
  constructor(random32: () => Uint8Array = () => randomBytes(32)) {
    this.#random32 = random32;
  }

  /** A token for one link, 256 random bits. It is good once. */
  newToken(): string {
    return this.#remember(this.#tokens);
  }

  /** The session id for a token, 256 random bits, or undefined when the token was spent before or never given out. */
  spend(token: string): string | undefined {
    if (!this.#tokens.delete(hashOf(token))) return undefined;
    return this.#remember(this.#sessions);
  }

  isSignedIn(sessionId: string | undefined): boolean {
    return sessionId !== undefined && this.#sessions.has(hashOf(sessionId));
  }

  #remember(hashes: Set<string>): string {
    const value = Buffer.from(this.#random32()).toString('base64url');
    hashes.add(hashOf(value));
    // A Set keeps the order of adding, so the first is the oldest.
    for (const oldest of hashes) {
      if (hashes.size <= maxSessions) break;
      hashes.delete(oldest);
    }
    return value;
  }
}

// The lookup is by hash, so its duration tells nothing about the value.
function hashOf(value: string): string {
  return createHash('sha256').update(value).digest('base64');
}
