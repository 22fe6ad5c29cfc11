import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { decodeMessage, encodeMessage, messageType } from '../../gateway/coap/codec.ts';
import { formatCode } from '../../gateway/coap/codes.ts';
import type { CoapOption } from '../../gateway/coap/types.ts';

/** A peer of the devices' CoAP port that sends whatever it is told to. */
export interface UdpPeer {
  /** Its own. */
  readonly port: number;
  send(octets: Uint8Array): void;
  /** Everything that came back so far, as `2.04 ACK 0x1001`. */
  readonly heard: readonly string[];
  /** A confirmable POST to `/msgin5g` with this Message ID. */
  post(messageId: number, json: string, change?: { type?: number; code?: number; options?: CoapOption[] }): Uint8Array;
  close(): void;
}

const typeNames = ['CON', 'NON', 'ACK', 'RST'];
const path: CoapOption = { number: 11, value: Buffer.from('msgin5g') };
const jsonFormat: CoapOption = { number: 12, value: Uint8Array.of(50) };

export const onPath = (...more: CoapOption[]): CoapOption[] => [path, ...more];
export const asJson = (...more: CoapOption[]): CoapOption[] => [path, jsonFormat, ...more];

export async function openUdpPeer(gatewayPort: number): Promise<UdpPeer> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const heard: string[] = [];
  socket.on('message', octets => {
    const { type, code, messageId } = decodeMessage(octets);
    heard.push(`${formatCode(code)} ${typeNames[type]} 0x${messageId.toString(16)}`);
  });
  return {
    port: socket.address().port,
    heard,
    send: octets => socket.send(octets, gatewayPort, '127.0.0.1'),
    post: (messageId, json, { type = messageType.con, code = 2, options = asJson() } = {}) =>
      encodeMessage({ type, code, messageId, token: Uint8Array.of(7), options, payload: Buffer.from(json) }),
    close: () => socket.close(),
  };
}
