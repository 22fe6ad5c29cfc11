import type { Failure, Overview } from '../api/contract.ts';
import { stateLook, type Tone } from './states.ts';
import { texts } from './texts/index.ts';

/** Something that needs a person: what happened, what it means, what to do. */
export interface Alarm {
  readonly id: string;
  readonly tone: Extract<Tone, 'fail' | 'warn'>;
  readonly title: string;
  readonly sentences: readonly string[];
  readonly code?: string;
  readonly sinceMs?: number;
  readonly nextTryAtMs?: number;
}

/** Worst first. */
export function alarmsOf(overview: Overview): Alarm[] {
  return [...lossAlarm(overview), ...storeAlarm(overview), ...sessionAlarm(overview), ...linkAlarms(overview)];
}

function lossAlarm({ figures }: Overview): Alarm[] {
  const lost = figures.lostAfterAcknowledge;
  return lost === 0
    ? []
    : [{ id: 'lost', tone: 'fail', title: texts.needs.lost(lost), sentences: [texts.needs.lostTodo] }];
}

function storeAlarm({ store }: Overview): Alarm[] {
  if (store.state !== 'failed') return [];
  const sentences = [...said(store.reason), texts.needs.storeSafe];
  return [{ id: 'store', tone: 'fail', title: texts.needs.storeFailed, sentences, code: store.reason?.code }];
}

function sessionAlarm({ session }: Overview): Alarm[] {
  const { state, reason, sinceMs, nextTryAtMs } = session;
  if (state === 'up') return [];
  if (state === 'off')
    return [{ id: 'session', tone: 'warn', title: texts.needs.noServer, sentences: [texts.needs.noServerTodo] }];
  // The first way up is no alarm; only what stands in the way is.
  const isOnTheWay = stateLook('session', state).tone === 'busy' || state === 'keyed';
  if (isOnTheWay && !reason) return [];
  const recovers = isOnTheWay || nextTryAtMs !== undefined;
  return [
    {
      id: 'session',
      tone: recovers ? 'warn' : 'fail',
      title: isOnTheWay ? texts.needs.sessionTrying : texts.needs.sessionDown,
      sentences: [...said(reason), texts.needs.sessionHeld],
      code: reason?.code,
      sinceMs,
      nextTryAtMs,
    },
  ];
}

function linkAlarms({ links }: Overview): Alarm[] {
  return Object.values(links)
    .filter(({ state, reason }) => state === 'opening' && reason)
    .map(({ id, reason, sinceMs }) => ({
      id: `link:${id}`,
      tone: 'fail',
      title: texts.needs.linkDown(id),
      sentences: [...said(reason), ...(reason?.hint ? [] : [texts.needs.linkTodo])],
      code: reason?.code,
      sinceMs,
    }));
}

/** The reason and its hint as sentences: codes begin in lower case, pages do not. */
function said(reason: Failure | undefined): string[] {
  return [reason?.message, reason?.hint].filter(text => text !== undefined).map(sentence);
}

export function sentence(text: string): string {
  const trimmed = text.trim();
  const begun = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
