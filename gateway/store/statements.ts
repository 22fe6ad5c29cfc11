/**
 * Every statement that the store runs, by name. `writes.ts` makes the values of the writes; the queries are called with
 * theirs in order. What one insert of a message costs: the row at the end of its table, and one at the end of a queue.
 */

/** The partial indexes of the queues are used only where a query says the same words. IN would be slower: 0001-first.sql. */
const waiting = `(state = 'received' OR state = 'queued' OR state = 'sent')`;

export const writeStatements = {
  /** Direction, kind, Message ID and originator first: they are the `MessageKey`, which `MessageIds` has not seen before. */
  messageInsert: `
    INSERT INTO messages (direction, kind, message_id, originator, app_id, state, attempts, delivery_status_required,
                          received_at_ms, updated_at_ms, expires_at_ms, cause, body)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,

  /** A state never goes back from acknowledged, nor on from an end: a report may overtake the answer. */
  messageState: `
    UPDATE messages
    SET state = ?, cause = ?, attempts = attempts + ?, updated_at_ms = ?
    WHERE row_id = ? AND (${waiting} OR (state = 'acknowledged' AND ? IN ('delivered', 'failed', 'expired')))`,

  /** No row changes when the application ID is registered by another device. */
  deviceSave: `
    WITH new (layer2_id, app_id, name, credential_hash, originator, ue_service_id, registered, link_id, address,
              registered_at_ms) AS (VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?))
    INSERT INTO devices
    SELECT * FROM new
    WHERE new.registered = 0 OR NOT EXISTS (
      SELECT 1 FROM devices AS other
      WHERE other.app_id = new.app_id AND other.registered = 1 AND other.layer2_id <> new.layer2_id)
    ON CONFLICT (layer2_id, app_id) DO UPDATE SET
      name = excluded.name, credential_hash = excluded.credential_hash, originator = excluded.originator,
      ue_service_id = excluded.ue_service_id, registered = excluded.registered, link_id = excluded.link_id,
      address = excluded.address, registered_at_ms = excluded.registered_at_ms`,
} as const;

export const queries = {
  devices: `SELECT * FROM devices ORDER BY layer2_id, app_id`,
  messagesRecent: `SELECT * FROM messages WHERE row_id < ? ORDER BY row_id DESC LIMIT ?`,
  waitingUp: `
    SELECT * FROM messages WHERE direction = 'up' AND ${waiting} AND row_id > ? ORDER BY row_id LIMIT ?`,
  waitingDown: `
    SELECT * FROM messages WHERE direction = 'down' AND ${waiting} AND app_id = ? AND row_id > ? ORDER BY row_id LIMIT ?`,
  countUp: `SELECT count(*) AS waiting FROM messages WHERE direction = 'up' AND ${waiting}`,
  countDown: `
    SELECT app_id, count(*) AS waiting FROM messages WHERE direction = 'down' AND ${waiting} GROUP BY app_id`,
} as const;

export type WriteName = keyof typeof writeStatements;
/** `auditRecent` goes over segments, and `messageByKey` asks `MessageIds`: the writer answers them by other means. */
export type QueryName = keyof typeof queries | 'auditRecent' | 'messageByKey';

/** On the way to the writer a statement is its place in this list. */
export const writeNames = Object.keys(writeStatements) as readonly WriteName[];
