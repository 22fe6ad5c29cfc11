import type { Owner } from './addon.ts';
import type { DtlsClientOptions, DtlsServerOptions } from './types.ts';

export function clientOwner(options: DtlsClientOptions): Owner {
  return {
    psk(suite, hint) {
      return guarded(this, () => {
        const answer = options.psk(suite, hint);
        return answer && [answer.identity, answer.key, 0];
      });
    },
    mayResume: () => false,
  };
}

export function serverOwner(options: DtlsServerOptions): Owner {
  return {
    psk(suite, _hint, identity) {
      return guarded(this, () => {
        const answer = options.psk(identity, suite);
        if (!answer) return undefined;
        return answer instanceof Uint8Array ? [identity, answer, 0] : [identity, answer.key, answer.expiresAtMs];
      });
    },
    mayResume(identity, expiresAtMs) {
      const { mayResume } = options;
      if (!mayResume) return expiresAtMs === 0 || Date.now() < expiresAtMs;
      return guarded(this, () => mayResume(identity, expiresAtMs || undefined)) === true;
    },
  };
}

/** C is on the stack: a throw has to wait. */
function guarded<T>(owner: Owner, ask: () => T): T | undefined {
  try {
    return ask();
  } catch (failure) {
    owner.failure = failure;
    return undefined;
  }
}
