import { formatHostPort } from '../base/host-port.ts';
import type { Endpoint } from './channel.ts';

/** One UDP address, which is one CoAP endpoint without security. RFC 7252 §1.2. */
export class UdpEndpoint implements Endpoint {
  readonly key: string;
  readonly address: string;
  readonly port: number;

  constructor(key: string, address: string, port: number) {
    this.key = key;
    this.address = address;
    this.port = port;
  }
}

/** Endpoints by port, then by address: neither needs a string to be built on the way in. */
type Generation = Map<number, Map<string, UdpEndpoint>>;

/**
 * One object per address, for as long as somebody holds it. Identity decides whose answer counts, so an endpoint may
 * not be forgotten under a live exchange; yet a flood of forged addresses must not fill the memory. So the addresses seen lately
 * are held strongly, in two generations of `capacity / 2`, and older ones weakly: whoever still has an exchange
 * or a registration with one keeps it, and the collector takes the rest.
 */
export class UdpEndpoints {
  readonly #generationSize: number;
  #young: Generation = new Map();
  #old: Generation = new Map();
  #youngCount = 0;
  #last: UdpEndpoint | undefined;
  readonly #held = new Map<string, WeakRef<UdpEndpoint>>();
  readonly #collected = new FinalizationRegistry<string>(key => {
    if (this.#held.get(key)?.deref() === undefined) this.#held.delete(key);
  });

  constructor(capacity: number) {
    this.#generationSize = Math.max(1, capacity >>> 1);
  }

  /** How many addresses are known, those held weakly included. */
  get size(): number {
    let size = this.#held.size + this.#youngCount;
    for (const addresses of this.#old.values()) size += addresses.size;
    return size;
  }

  /** The endpoint at this address, in the form in which the system tells it. */
  at(address: string, port: number): UdpEndpoint {
    const last = this.#last;
    if (last !== undefined && last.port === port && last.address === address) return last;
    return (this.#last = this.#young.get(port)?.get(address) ?? this.#rejuvenate(address, port));
  }

  #rejuvenate(address: string, port: number): UdpEndpoint {
    const endpoint = this.#takeOld(address, port) ?? this.#takeHeld(address, port);
    if (this.#youngCount >= this.#generationSize) this.#age();
    let addresses = this.#young.get(port);
    if (addresses === undefined) this.#young.set(port, (addresses = new Map()));
    addresses.set(address, endpoint);
    this.#youngCount++;
    return endpoint;
  }

  #takeOld(address: string, port: number): UdpEndpoint | undefined {
    const addresses = this.#old.get(port);
    const endpoint = addresses?.get(address);
    if (endpoint !== undefined) addresses?.delete(address);
    return endpoint;
  }

  #takeHeld(address: string, port: number): UdpEndpoint {
    const key = `udp:${formatHostPort({ host: address, port })}`;
    const endpoint = this.#held.get(key)?.deref();
    if (endpoint === undefined) return new UdpEndpoint(key, address, port);
    this.#held.delete(key);
    this.#collected.unregister(endpoint);
    return endpoint;
  }

  #age(): void {
    for (const addresses of this.#old.values()) {
      for (const endpoint of addresses.values()) {
        this.#held.set(endpoint.key, new WeakRef(endpoint));
        this.#collected.register(endpoint, endpoint.key, endpoint);
      }
    }
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngCount = 0;
  }
}
