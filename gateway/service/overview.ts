import {
  maxOverviewDevices,
  type AuditRecord,
  type Figures,
  type MessageRecord,
  type Overview,
} from '../../api/contract.ts';
import { notableEvents } from './audit.ts';
import { deviceRecords } from './devices.ts';
import { linkRecords } from './links.ts';
import { recentMessages } from './messages.ts';
import { RateMeter } from './rate-meter.ts';
import { rounded } from './rounded.ts';
import { sessionRecord } from './session.ts';
import type { Source } from './source.ts';

/** As many as the cards of the page hold. */
const shownMessages = 12;
const shownEvents = 12;

/**
 * Reads everything the Overview shows. Goes to the disk only when something was committed since the last call; when that
 * fails, the rows read before stay and the rest is as it is.
 */
export function overviewReader(source: Source, onFailure: (cause: unknown) => void): () => Promise<Overview> {
  const { store } = source;
  const readDevices = deviceRecords(source);
  const readLinks = linkRecords(source);
  const readEvents = notableEvents(source, shownEvents);
  const rates = new RateMeter(source.clock);
  let readAtCommits = -1;
  let messages: MessageRecord[] = [];
  let events: AuditRecord[] = [];

  async function readRecent(): Promise<void> {
    const { commits, state } = store.status();
    if (commits === readAtCommits || state === 'closed') return;
    try {
      [messages, events] = await Promise.all([recentMessages(source, shownMessages), readEvents()]);
      readAtCommits = commits;
    } catch (cause) {
      onFailure(cause);
    }
  }

  return async () => {
    await readRecent();
    const { state, reason, commitMsP50, auditSeq } = store.status();
    const devices = readDevices();
    return {
      facts: source.facts,
      store: { state, reason, commitMsP50: rounded(commitMsP50), auditSeq },
      session: sessionRecord(source),
      figures: figures(source, rates),
      links: Object.fromEntries(readLinks().map(link => [link.id, link])),
      devices: Object.fromEntries(devices.slice(0, maxOverviewDevices).map(device => [device.key, device])),
      messages,
      events,
    };
  };
}

function figures({ store: { outbox, registry }, relay }: Source, rates: RateMeter): Figures {
  const { up, down, latency, sent, retransmissions, lostAfterAcknowledge } = relay.status();
  const rate = rates.read({ up, down });
  const devices = registry.all();
  return {
    upPerSecond: rate && rounded(rate('up')),
    downPerSecond: rate && rounded(rate('down')),
    messages: up + down,
    queueUp: outbox.depth('up'),
    oldestUpAtMs: outbox.oldestMs('up'),
    queueDown: outbox.depth('down'),
    devices: devices.length,
    registered: devices.filter(device => device.registered).length,
    latency: latency && {
      p50Ms: rounded(latency.p50Ms),
      p95Ms: rounded(latency.p95Ms),
      p99Ms: latency.p99Ms === undefined ? undefined : rounded(latency.p99Ms),
    },
    sent,
    retransmissions,
    lostAfterAcknowledge,
  };
}
