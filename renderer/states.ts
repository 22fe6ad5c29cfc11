import {
  ArrowUpRight,
  Ban,
  Check,
  CheckCheck,
  CircleCheck,
  CircleDashed,
  CircleMinus,
  Clock,
  Hourglass,
  Inbox,
  KeyRound,
  LoaderCircle,
  Lock,
  OctagonX,
  ShieldCheck,
  Unplug,
  type LucideIcon,
} from '@lucide/vue';
import type { LinkRecord } from '../api/contract.ts';
import { texts } from './texts/index.ts';

/** What a colour means; the colour itself is a token. */
export type Tone = 'ok' | 'busy' | 'wait' | 'warn' | 'fail' | 'off' | 'seen' | 'lab';

export interface StateLook {
  readonly icon: LucideIcon;
  readonly tone: Tone;
}

type Looks<Kind extends keyof typeof texts.states> = Readonly<Record<keyof (typeof texts.states)[Kind], StateLook>>;

const busy: StateLook = { icon: LoaderCircle, tone: 'busy' };

/** The table of states: icon and tone here, the word in the texts. Nothing is shown as a state that is not in it. */
export const stateLooks: { readonly [Kind in keyof typeof texts.states]: Looks<Kind> } = {
  device: {
    registered: { icon: CircleCheck, tone: 'ok' },
    'link-lost': { icon: Unplug, tone: 'fail' },
    deregistered: { icon: CircleMinus, tone: 'off' },
    absent: { icon: CircleDashed, tone: 'off' },
  },
  session: {
    off: { icon: CircleDashed, tone: 'off' },
    'no-key': { icon: KeyRound, tone: 'off' },
    keyed: { icon: KeyRound, tone: 'wait' },
    handshaking: busy,
    registering: busy,
    up: { icon: ShieldCheck, tone: 'ok' },
    lost: { icon: Unplug, tone: 'fail' },
  },
  message: {
    received: { icon: Inbox, tone: 'wait' },
    queued: { icon: Clock, tone: 'wait' },
    sent: { icon: ArrowUpRight, tone: 'busy' },
    acknowledged: { icon: Check, tone: 'ok' },
    delivered: { icon: CheckCheck, tone: 'ok' },
    failed: { icon: OctagonX, tone: 'fail' },
    expired: { icon: Hourglass, tone: 'off' },
  },
  link: {
    open: { icon: CircleCheck, tone: 'ok' },
    opening: busy,
    broken: { icon: OctagonX, tone: 'fail' },
    held: { icon: Ban, tone: 'fail' },
    'no-permission': { icon: Lock, tone: 'fail' },
    closed: { icon: CircleMinus, tone: 'off' },
  },
};

export type StateKind = keyof typeof stateLooks;
type StateOf<Kind extends StateKind> = keyof (typeof stateLooks)[Kind] & string;

export function stateLook(kind: StateKind, state: string): StateLook & { word: string } {
  const looks = stateLooks[kind] as Readonly<Record<string, StateLook>>;
  const words = texts.states[kind] as Readonly<Record<string, string>>;
  return { ...(looks[state] ?? { icon: CircleDashed, tone: 'off' }), word: words[state] ?? state };
}

/** The word for a link: while it is tried again, what is in its way says more than "trying". */
export function linkState({ state, reason }: LinkRecord): StateOf<'link'> {
  if (state !== 'opening' || !reason) return state;
  if (/permission/.test(reason.code)) return 'no-permission';
  return /busy|taken/.test(reason.code) ? 'held' : 'broken';
}
