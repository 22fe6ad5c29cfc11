import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import type { DeviceLink, Endpoint } from './device.ts';

/** A device's way to the gateway over UDP: one socket for both directions, so the gateway finds the device where it spoke from. */
export class UdpDeviceLink implements DeviceLink {
  readonly kind = 'udp';
  #socket: Socket | undefined;
  #gateway: Endpoint | undefined;

  async open(gateway: Endpoint, receive: (message: Uint8Array) => void): Promise<void> {
    const { address } = await lookup(gateway.host, { family: 4 });
    this.#gateway = { host: address, port: gateway.port };
    if (this.#socket) return;
    const socket = createSocket('udp4');
    // Not connected: a connected socket loses the next datagram to the ECONNREFUSED of the one before.
    socket.on('message', (datagram, { address, port }) => {
      if (address === this.#gateway?.host && port === this.#gateway.port) receive(datagram);
    });
    socket.on('error', () => {});
    socket.bind(0, address === '127.0.0.1' ? address : undefined);
    await once(socket, 'listening');
    this.#socket = socket;
  }

  send(message: Uint8Array): void {
    if (this.#gateway) this.#socket?.send(message, this.#gateway.port, this.#gateway.host);
  }

  sendRaw(octets: Uint8Array): void {
    this.send(octets);
  }

  close(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }
}
