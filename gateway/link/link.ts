import type { Failure } from '../base/errors.ts';
import type { Channel, Endpoint } from '../channel/channel.ts';

export type LinkKind = 'udp' | 'serial';

/** `opening` covers the wait between tries; `reason` says why a link is not open. */
export type LinkState = 'closed' | 'opening' | 'open';

export interface LinkStatus {
  readonly id: string;
  readonly kind: LinkKind;
  readonly state: LinkState;
  /** Wall clock. */
  readonly sinceMs: number;
  /** Where: `127.0.0.1:5683`, `/dev/ttyACM0`. */
  readonly where: string;
  readonly reason?: Failure;
  readonly counters: Readonly<Record<string, number>>;
}

/**
 * The devices' side of one carrier. Its channel is open for as long as the link is started, even while the port behind
 * it comes and goes; what cannot be sent is dropped and counted, and CoAP retransmits.
 */
export interface Link {
  readonly id: string;
  readonly kind: LinkKind;
  readonly channel: Channel;
  status(): LinkStatus;
  onStatus(listener: (status: LinkStatus) => void): () => void;
  /** The address of an endpoint on this link, as stored with a registration: `127.0.0.1:40001`, `port`. */
  addressOf(endpoint: Endpoint): string;
  /** The endpoint at a stored address, so that a device can be reached after a restart. Undefined when it cannot be one. */
  endpointAt(address: string): Endpoint | undefined;
}

/** What a link says into the log and the console: a device's own words. slipmux frame 0x0A. */
export interface Diagnostic {
  readonly linkId: string;
  readonly text: string;
}
