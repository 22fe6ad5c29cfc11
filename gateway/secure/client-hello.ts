/** Content types of a record. RFC 5246 §6.2.1. */
export const contentType = { alert: 21, handshake: 22, applicationData: 23 } as const;

/** Where the client's random stands in a ClientHello: record header, message header, version. RFC 6347 §4.1, §4.2.2. */
const randomAt = 13 + 12 + 2;
const randomBytes = 32;

/** The epoch of a datagram's first record; 0 is the time before the keys. RFC 6347 §4.1. */
export function epochOf(datagram: Uint8Array): number {
  return datagram.length < 5 ? 0 : (datagram[3] << 8) | datagram[4];
}

/** The client's random of a ClientHello of epoch 0, the same in each of its retransmissions; undefined for other datagrams. */
export function clientRandom(datagram: Uint8Array): string | undefined {
  const isClientHello = datagram[0] === contentType.handshake && epochOf(datagram) === 0 && datagram[13] === 1;
  if (!isClientHello || datagram.length < randomAt + randomBytes) return undefined;
  return Buffer.from(datagram.buffer, datagram.byteOffset + randomAt, randomBytes).toString('latin1');
}
