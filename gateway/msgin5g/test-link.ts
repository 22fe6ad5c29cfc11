import { toHex } from '../base/bytes.ts';
import type { Link } from '../link/link.ts';
import { valvePlace } from './test-world.ts';

type Receiver = Parameters<Link['channel']['open']>[0];

/** A link whose other end is the test: octets in, octets out. */
export class TestLink implements Link {
  readonly id = valvePlace.linkId;
  readonly kind = 'udp';
  readonly out: string[] = [];
  receiver: Receiver | undefined;
  failure: Error | undefined;
  readonly #device = { key: `udp:${valvePlace.address}` };
  readonly channel: Link['channel'] = {
    framing: 'datagram',
    maxDatagramBytes: 1_152,
    isReliable: false,
    isOrdered: false,
    counters: { datagramsIn: 0, datagramsOut: 0, octetsIn: 0, octetsOut: 0, oversized: 0, sendErrors: 0 },
    open: receiver => {
      this.receiver = receiver;
      return this.failure ? Promise.reject(this.failure) : Promise.resolve();
    },
    send: octets => this.out.push(toHex(octets)),
    close: () => Promise.resolve(),
  };
  status = () => ({ id: this.id, kind: this.kind, state: 'open', sinceMs: 0, where: 'test', counters: {} }) as const;
  onStatus = () => () => {};
  addressOf = () => valvePlace.address;
  endpointAt = (address: string) => (address === valvePlace.address ? this.#device : undefined);
  receive(octets: Uint8Array): void {
    this.receiver!.onDatagram(octets, this.#device);
  }
}
