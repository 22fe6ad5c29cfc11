import type { ApiContract, AuditRecord } from '../../api/contract.ts';
import type { Handlers } from '../../api/rpc.ts';
import type { AuditEvent, AuditRow } from '../store/types.ts';
import { nameOfDevice } from './devices.ts';
import type { Source, StoreReader } from './source.ts';

export function auditSection(source: Source): Pick<Handlers<ApiContract>, 'audit.recent'> {
  return { 'audit.recent': async ({ limit, before }) => ({ events: await recentEvents(source, limit, before) }) };
}

/** Newest first. */
async function recentEvents({ store }: Source, limit: number, before?: number): Promise<AuditRecord[]> {
  const rows = await store.recentAudit(limit, before);
  return rows.map(row => auditRecord(row, store.registry));
}

/** Ours: how far back the first look goes, at most, for events among the rows of a busy relay. */
const pageRows = 200;
const maxPages = 10;

/**
 * The newest events that are not the everyday life of a message, newest first. Reads only the rows since the last call,
 * so that an event stays on the page however many messages pass.
 */
export function notableEvents({ store }: Source, limit: number): () => Promise<AuditRecord[]> {
  let events: AuditRecord[] = [];
  let readToSeq = 0;
  return async () => {
    const fresh: AuditRecord[] = [];
    let newestSeq = readToSeq;
    let before: number | undefined;
    for (let page = 0; page < maxPages && fresh.length < limit; page++) {
      const rows = (await store.recentAudit(pageRows, before)).filter(row => row.seq > readToSeq);
      newestSeq = Math.max(newestSeq, rows[0]?.seq ?? 0);
      fresh.push(...rows.filter(isNotable).map(row => auditRecord(row, store.registry)));
      if (rows.length < pageRows) break;
      before = rows.at(-1)?.seq;
    }
    readToSeq = newestSeq;
    events = [...fresh, ...events].slice(0, limit);
    return events;
  };
}

function isNotable({ body }: AuditRow): boolean {
  const { action, result } = JSON.parse(body) as AuditEvent;
  return (
    !action.startsWith('message.') || result !== 'ok' || action === 'message.failed' || action === 'message.expired'
  );
}

function auditRecord({ seq, atMs, body }: AuditRow, registry: StoreReader['registry']): AuditRecord {
  const { action, actor, from, object, result, reason, count } = JSON.parse(body) as AuditEvent;
  return {
    seq,
    atMs,
    action,
    actor,
    from,
    object,
    deviceName: nameOfDevice(registry, object, actor),
    result,
    reason,
    count,
  };
}
