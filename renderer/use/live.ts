import { inject, onScopeDispose, ref, shallowRef, type InjectionKey, type Ref, type ShallowRef } from 'vue';
import type { Overview } from '../../api/contract.ts';
import type { Contact, Gateway } from '../gateway.ts';

/** What the page shows, as it is now. */
export interface Live {
  /** Undefined until the gateway has answered once; then the last known, contact or not. */
  readonly overview: ShallowRef<Overview | undefined>;
  readonly contact: Ref<Contact>;
  /** The gateway's wall clock, once a second. */
  readonly nowMs: Ref<number>;
  /** How long ago the gateway was last heard, while it is not. */
  readonly silentMs: Ref<number>;
  readonly updatesPerSecond: Ref<number>;
}

const liveKey: InjectionKey<Live> = Symbol('live');

/** Ours: 4 paints a second are as many as anybody reads. */
const paintIntervalMs = 250;
const rateWindowSeconds = 5;

/** The live state of the whole page, made once. */
export function createLive(gateway: Gateway): { key: typeof liveKey; live: Live } {
  const overview = shallowRef<Overview>();
  const contact = ref<Contact>({ state: 'connecting', sinceMs: Date.now() });
  const nowMs = ref(gateway.gatewayNowMs());
  const silentMs = ref(0);
  const updatesPerSecond = ref(0);
  let newest: Overview | undefined;
  let painting: ReturnType<typeof setTimeout> | undefined;
  let updates = 0;

  gateway.watch('overview', value => {
    newest = value;
    updates++;
    if (overview.value === undefined) overview.value = value;
    painting ??= setTimeout(() => {
      painting = undefined;
      overview.value = newest;
    }, paintIntervalMs);
  });
  gateway.onContact(value => {
    contact.value = value;
    tick();
  });

  const perSecond: number[] = [];
  function tick(): void {
    nowMs.value = gateway.gatewayNowMs();
    silentMs.value = contact.value.state === 'live' ? 0 : Math.max(0, Date.now() - contact.value.sinceMs);
  }
  const timer = setInterval(() => {
    tick();
    perSecond.push(updates);
    updates = 0;
    if (perSecond.length > rateWindowSeconds) perSecond.shift();
    updatesPerSecond.value = Math.round(perSecond.reduce((sum, count) => sum + count, 0) / perSecond.length);
  }, 1_000);
  onScopeDispose(() => clearInterval(timer), true);
  return { key: liveKey, live: { overview, contact, nowMs, silentMs, updatesPerSecond } };
}

export function useLive(): Live {
  const live = inject(liveKey);
  if (!live) throw new Error('useLive is used outside of the app');
  return live;
}
