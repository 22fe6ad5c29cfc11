import {
  Ban,
  CircleAlert,
  CircleCheck,
  CircleMinus,
  FilePen,
  FileText,
  HardDrive,
  Hourglass,
  OctagonX,
  Plug,
  Power,
  ShieldCheck,
  ShieldOff,
  Unplug,
  UserMinus,
  UserPlus,
} from '@lucide/vue';
import type { AuditRecord } from '../api/contract.ts';
import type { StateLook } from './states.ts';
import { texts } from './texts/index.ts';

/** One icon and tone for each act of the audit trail. */
const looks: Readonly<Record<string, StateLook>> = {
  'gateway.started': { icon: Power, tone: 'ok' },
  'gateway.stopped': { icon: Power, tone: 'off' },
  'device.added': { icon: UserPlus, tone: 'busy' },
  'device.changed': { icon: FilePen, tone: 'busy' },
  'device.removed': { icon: UserMinus, tone: 'off' },
  'device.registered': { icon: CircleCheck, tone: 'ok' },
  'device.deregistered': { icon: CircleMinus, tone: 'off' },
  'device.refused': { icon: Ban, tone: 'fail' },
  'message.failed': { icon: OctagonX, tone: 'fail' },
  'message.expired': { icon: Hourglass, tone: 'off' },
  'message.refused': { icon: Ban, tone: 'fail' },
  'session.up': { icon: ShieldCheck, tone: 'ok' },
  'session.lost': { icon: Unplug, tone: 'fail' },
  'session.refused': { icon: Ban, tone: 'fail' },
  'session.closed': { icon: ShieldOff, tone: 'off' },
  'link.opened': { icon: Plug, tone: 'ok' },
  'link.lost': { icon: Unplug, tone: 'fail' },
  'peer.malformed': { icon: CircleAlert, tone: 'warn' },
  'peer.unknown': { icon: CircleAlert, tone: 'warn' },
  'store.failed': { icon: HardDrive, tone: 'fail' },
  'store.recovered': { icon: HardDrive, tone: 'ok' },
};

interface EventWords {
  readonly look: StateLook;
  /** Who or what, when the sentence has such a one. */
  readonly subject?: string;
  readonly says: string;
  /** Why, how often. */
  readonly more?: string;
}

/** An audit row as a person says it. An act that this page does not know keeps its code and its object. */
export function eventWords(event: AuditRecord): EventWords {
  const says = texts.events.says[event.action];
  const more = [event.reason, event.count && event.count > 1 ? texts.events.times(event.count) : undefined]
    .filter(Boolean)
    .join(' · ');
  return {
    look: looks[event.action] ?? { icon: FileText, tone: event.result === 'ok' ? 'wait' : 'fail' },
    subject: says === undefined ? event.object : subjectOf(event),
    says: says ?? event.action,
    more: more || undefined,
  };
}

function subjectOf(event: AuditRecord): string | undefined {
  if (event.action.startsWith('peer.') || event.action === 'message.refused') return texts.events.peer(event);
  if (event.action.startsWith('device.')) return texts.events.device(event);
  if (event.action.startsWith('link.')) return texts.events.link(event);
  return event.action.startsWith('message.') ? texts.events.message(event) : undefined;
}
