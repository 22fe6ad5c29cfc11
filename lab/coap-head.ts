/** The type field. RFC 7252 §3 */
export const messageType = { con: 0, non: 1, ack: 2, rst: 3 };

export interface Head {
  readonly type: number;
  readonly messageId: number;
  readonly isEmpty: boolean;
  readonly isRequest: boolean;
}

/** Type, Message ID and kind of code; undefined for what is not CoAP version 1. RFC 7252 §3 */
export function headOf(octets: Buffer): Head | undefined {
  if (octets.length < 4 || octets[0] >> 6 !== 1) return undefined;
  const code = octets[1];
  return {
    type: (octets[0] >> 4) & 3,
    messageId: octets.readUInt16BE(2),
    isEmpty: code === 0,
    isRequest: code > 0 && code < 0x20,
  };
}

/** The RST that rejects a message, or answers a ping. RFC 7252 §4.3 */
export function resetFor(octets: Buffer): Buffer {
  return Buffer.of(0x70, 0x00, octets[2], octets[3]);
}
