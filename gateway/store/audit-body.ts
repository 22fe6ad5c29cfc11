import { canonicalJson, canonicalString } from '../../proof/canonical-json.ts';
import type { AuditEvent, AuditFacts } from './types.ts';

/**
 * The canonical JSON (RFC 8785) of an event up to the value of its `seq`. The writer alone knows the sequence number, and
 * `seq` sorts after every other member, so that it only has to add the number and the brace: `closeAuditBody`.
 * Written out member by member, since the hot path makes one for every step of a message.
 */
export function openAuditBody(event: AuditEvent): string {
  let body = `{"action":${text(event.action)},"actor":${text(event.actor)}`;
  if (event.after !== undefined) body += `,"after":${facts(event.after)}`;
  body += `,"atMs":${number(event.atMs)}`;
  if (event.before !== undefined) body += `,"before":${facts(event.before)}`;
  if (event.count !== undefined) body += `,"count":${number(event.count)}`;
  if (event.from !== undefined) body += `,"from":${text(event.from)}`;
  body += `,"monotonicMs":${number(event.monotonicMs)},"object":${text(event.object)}`;
  if (event.reason !== undefined) body += `,"reason":${text(event.reason)}`;
  return `${body},"result":${text(event.result)},"seq":`;
}

export function closeAuditBody(opened: string, seq: number): string {
  return `${opened}${seq}}`;
}

/** What a device or server sent may hold lone surrogates, which have no canonical form: U+FFFD stands for each. */
function text(value: string): string {
  return canonicalString(value.toWellFormed());
}

function number(value: number): string {
  return canonicalJson(value);
}

function facts(values: AuditFacts): string {
  return canonicalJson(isWellFormed(values) ? values : wellFormed(values));
}

function isWellFormed(values: AuditFacts): boolean {
  for (const name in values) {
    const value = values[name];
    if (!name.isWellFormed() || (typeof value === 'string' && !value.isWellFormed())) return false;
  }
  return true;
}

function wellFormed(values: AuditFacts): AuditFacts {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name.toWellFormed(),
      typeof value === 'string' ? value.toWellFormed() : value,
    ]),
  );
}
