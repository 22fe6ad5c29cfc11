import type { WriteName } from './statements.ts';
import type { Device, Message, MessageState, Write } from './types.ts';

/** A new message. Changes no row when its ID was seen before from that originator: guard it. */
export function insertMessage(message: Message): Write {
  return write('messageInsert', [
    message.direction,
    message.kind,
    message.messageId,
    message.originator,
    message.appId,
    message.state,
    message.attempts,
    message.deliveryStatusRequired ? 1 : 0,
    message.receivedAtMs,
    message.updatedAtMs,
    message.expiresAtMs ?? null,
    message.cause ?? null,
    message.body,
  ]);
}

/** A message's next state. Changes no row when that would be a step back. */
export function setMessageState(
  rowId: number,
  to: { state: MessageState; cause?: string; attempted?: boolean; atMs: number },
): Write {
  return write('messageState', [to.state, to.cause ?? null, to.attempted ? 1 : 0, to.atMs, rowId, to.state]);
}

/** A device as it is from now on. Changes no row when its application is registered by another: guard it. */
export function saveDevice(device: Device): Write {
  return write('deviceSave', [
    device.layer2Id,
    device.appId,
    device.name,
    device.credentialHash,
    device.originator,
    device.ueServiceId ?? null,
    device.registered ? 1 : 0,
    device.linkId ?? null,
    device.address ?? null,
    device.registeredAtMs ?? null,
  ]);
}

function write(statement: WriteName, values: Write['values']): Write {
  return { statement, values };
}
