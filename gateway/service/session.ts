import type { ApiContract, SessionRecord } from '../../api/contract.ts';
import type { Handlers } from '../../api/rpc.ts';
import { suiteText } from '../secure/suites.ts';
import { rounded } from './rounded.ts';
import type { Source } from './source.ts';

export function sessionSection(source: Source): Pick<Handlers<ApiContract>, 'session.status'> {
  return { 'session.status': () => sessionRecord(source) };
}

/** Field by field: what the session may hold beside its facts does not belong here. */
export function sessionRecord({ session, facts }: Source): SessionRecord {
  if (!session) return { state: 'off', sinceMs: facts.startedAtMs, server: '', attempts: 0 };
  const { state, sinceMs, provedAtMs, server, aKid, keyExpiresAtMs, suite, resumed, nextTryAtMs, attempts, ...more } =
    session.status();
  return {
    state,
    sinceMs,
    provedAtMs,
    server,
    aKid,
    keyExpiresAtMs,
    suite: suite === undefined ? undefined : suiteText(suite),
    resumed,
    nextTryAtMs,
    attempts,
    roundTripMs: more.roundTripMs === undefined ? undefined : rounded(more.roundTripMs),
    reason: more.reason,
  };
}
