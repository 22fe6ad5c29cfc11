import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** A UDP port on 127.0.0.1 that was free a moment ago, for a program that cannot be told to take any, or must come back on it. */
export async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

/** Resolves when some program has bound this UDP port, as the kernel tells: most servers do not say when they listen. */
export async function udpPortBound(port: number, withinMs = 20_000): Promise<void> {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  for (let waitedMs = 0; waitedMs < withinMs; waitedMs += 10) {
    const isBound = ['/proc/net/udp', '/proc/net/udp6'].some(table => readFileSync(table, 'utf8').includes(local));
    if (isBound) return;
    await pause(10);
  }
  throw new Error(`nobody bound UDP port ${port} within ${withinMs} ms`);
}
