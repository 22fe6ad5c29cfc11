import type { ApiContract, MessageRecord } from '../../api/contract.ts';
import type { Handlers } from '../../api/rpc.ts';
import type { Message } from '../store/types.ts';
import type { Source, StoreReader } from './source.ts';

/** As much of a payload as one line of a table can show. */
const previewCharacters = 80;

export function messagesSection(source: Source): Pick<Handlers<ApiContract>, 'messages.recent'> {
  return {
    'messages.recent': async ({ limit, before }) => ({ messages: await recentMessages(source, limit, before) }),
  };
}

/** Newest first. */
export async function recentMessages({ store }: Source, limit: number, before?: number): Promise<MessageRecord[]> {
  const messages = await store.recentMessages(limit, before);
  return messages.map(message => messageRecord(message, store.registry));
}

function messageRecord(message: Message, registry: StoreReader['registry']): MessageRecord {
  const { rowId, direction, kind, messageId, originator, appId, state, attempts, cause, receivedAtMs, updatedAtMs } =
    message;
  const payload = payloadOf(message);
  return {
    rowId,
    direction,
    kind,
    messageId,
    originator,
    appId,
    deviceName: (registry.byAppId(appId) ?? registry.all().find(device => device.appId === appId))?.name,
    state,
    preview: preview(payload),
    payloadBytes: Buffer.byteLength(payload),
    attempts,
    cause,
    receivedAtMs,
    updatedAtMs,
  };
}

/** `payload` of a message, `delivSt` of a delivery report. TS 29.538, TS 24.538 Annex A.3.2.1. */
function payloadOf({ kind, body }: Message): string {
  try {
    const elements: unknown = JSON.parse(body);
    const value = (elements as Record<string, unknown> | null)?.[kind === 'IMDN' ? 'delivSt' : 'payload'];
    if (value === undefined) return '';
    return typeof value === 'string' ? value : JSON.stringify(value);
  } catch {
    return body;
  }
}

function preview(payload: string): string {
  const line = payload
    .slice(0, 4 * previewCharacters)
    .replace(/\s+/g, ' ')
    .trim();
  return line.length > previewCharacters ? `${line.slice(0, previewCharacters - 1)}…` : line;
}
