import { ref, watch, type Ref } from 'vue';
import { alarmsOf } from '../alarms.ts';
import { formatAge } from '../format.ts';
import { linkState, stateLook } from '../states.ts';
import { texts } from '../texts/index.ts';
import type { Live } from './live.ts';

/**
 * What a screen reader is told, in two regions for the whole page. Polite: how the session stands, links that closed.
 * Assertive: a new failure, contact lost. Never rows, rates or clocks.
 */
export function useAnnouncements({ overview, contact }: Live): { polite: Ref<string>; assertive: Ref<string> } {
  const polite = ref('');
  const assertive = ref('');

  watch(
    () => overview.value?.session.state,
    (state, before) => {
      if (state && before) polite.value = texts.say.session(stateLook('session', state).word);
    },
  );
  watch(
    () =>
      Object.values(overview.value?.links ?? {}).filter(link => stateLook('link', linkState(link)).tone === 'fail')
        .length,
    (count, before) => {
      if (count > before) polite.value = texts.say.linksDown(count);
    },
  );
  watch(
    () =>
      (overview.value ? alarmsOf(overview.value).filter(({ tone }) => tone === 'fail') : [])
        .map(({ title }) => title)
        .join('. '),
    title => (assertive.value = title),
  );
  watch(
    () => contact.value.state,
    (state, before) => {
      if (state === 'lost') assertive.value = texts.contact.lost(formatAge(0));
      else if (state === 'signed-out') assertive.value = texts.contact.signedOutTitle;
      else if (state === 'live' && before === 'lost') polite.value = texts.contact.back;
    },
  );
  return { polite, assertive };
}
