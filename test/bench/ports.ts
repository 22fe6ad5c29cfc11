import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** A UDP port that is free now, for a program that cannot be told to take any. */
export async function freePort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

/** CoAP ping (an empty CON, answered by RST: RFC 7252 §4.3) until there is an answer. */
export async function pingUntilUp(port: number, withinMs = 10_000): Promise<void> {
  const ping = Uint8Array.of(0x40, 0x00, 0x12, 0x34);
  const socket = createSocket('udp4');
  const again = setInterval(() => socket.send(ping, port, '127.0.0.1'), 50);
  try {
    await once(socket, 'message', { signal: AbortSignal.timeout(withinMs) });
  } catch (cause) {
    throw new Error(`nothing answers on UDP port ${port} within ${withinMs} ms`, { cause });
  } finally {
    clearInterval(again);
    socket.close();
  }
}
