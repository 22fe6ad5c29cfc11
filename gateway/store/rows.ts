import type { SqlRow, SqlValue } from './sql.ts';
import type { AuditRow, Device, Message } from './types.ts';

/** Rows of the tables as the records of `types.ts`: a NULL column is an absent member. */

export function messageOfRow(row: SqlRow): Message {
  return {
    rowId: row.row_id as number,
    direction: row.direction as Message['direction'],
    kind: row.kind as Message['kind'],
    messageId: row.message_id as string,
    originator: row.originator as string,
    appId: row.app_id as string,
    state: row.state as Message['state'],
    body: row.body as string,
    deliveryStatusRequired: row.delivery_status_required === 1,
    attempts: row.attempts as number,
    ...present('cause', row.cause),
    receivedAtMs: row.received_at_ms as number,
    updatedAtMs: row.updated_at_ms as number,
    ...present('expiresAtMs', row.expires_at_ms),
  };
}

export function deviceOfRow(row: SqlRow): Device {
  return {
    layer2Id: row.layer2_id as string,
    appId: row.app_id as string,
    name: row.name as string,
    credentialHash: row.credential_hash as Uint8Array,
    originator: row.originator as Device['originator'],
    ...present('ueServiceId', row.ue_service_id),
    registered: row.registered === 1,
    ...present('linkId', row.link_id),
    ...present('address', row.address),
    ...present('registeredAtMs', row.registered_at_ms),
  };
}

export function auditOfRow(row: SqlRow): AuditRow {
  return { seq: row.seq as number, atMs: row.at_ms as number, body: row.body as string };
}

function present(name: string, value: SqlValue | undefined): object {
  return value === null || value === undefined ? {} : { [name]: value };
}
