import type { ApiContract, LinkRecord } from '../../api/contract.ts';
import type { Handlers } from '../../api/rpc.ts';
import type { LinkStatus } from '../link/link.ts';
import { RateMeter } from './rate-meter.ts';
import { rounded } from './rounded.ts';
import type { Source } from './source.ts';

export function linksSection(source: Source): Pick<Handlers<ApiContract>, 'links.list'> {
  const records = linkRecords(source);
  return { 'links.list': () => ({ links: records() }) };
}

export function linkRecords(source: Source): () => LinkRecord[] {
  const up = new RateMeter(source.clock);
  const down = new RateMeter(source.clock);
  return () => {
    const { links } = source.relay.status();
    const totals = Object.entries(links ?? {});
    const upRate = up.read(Object.fromEntries(totals.map(([id, link]) => [id, link.up])));
    const downRate = down.read(Object.fromEntries(totals.map(([id, link]) => [id, link.down])));
    const devices = devicesByLink(source);
    return source.links.map(link => ({
      ...linkRecord(link.status(), devices.get(link.id) ?? 0),
      upPerSecond: links && upRate && rounded(upRate(link.id)),
      downPerSecond: links && downRate && rounded(downRate(link.id)),
    }));
  };
}

function devicesByLink(source: Source): Map<string | undefined, number> {
  const devices = new Map<string | undefined, number>();
  for (const { registered, linkId } of source.store.registry.all()) {
    if (registered) devices.set(linkId, (devices.get(linkId) ?? 0) + 1);
  }
  return devices;
}

function linkRecord({ id, kind, state, sinceMs, where, reason }: LinkStatus, devices: number): LinkRecord {
  return { id, kind, state, sinceMs, where, reason, devices };
}
