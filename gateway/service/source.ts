import type { Facts } from '../../api/contract.ts';
import type { Clock } from '../base/clock.ts';
import type { Link } from '../link/link.ts';
import type { Session } from '../session/types.ts';
import type { Outbox, Registry, Store } from '../store/types.ts';

/** What the relay counted since the start. Rates are made of these by the service. */
export interface RelayStatus {
  /** Messages from devices that were committed, and messages for devices. */
  readonly up: number;
  readonly down: number;
  /** From the device's message to the server's answer, last 5 minutes. Absent while there was none. */
  readonly latency?: { readonly p50Ms: number; readonly p95Ms: number; readonly p99Ms?: number };
  /** Confirmable messages sent for the first time, and again. RFC 7252 §4.2. */
  readonly sent: number;
  readonly retransmissions: number;
  /** Acknowledged to a sender and then not found. Must stay 0. */
  readonly lostAfterAcknowledge: number;
  /** `up` and `down` by link ID. Absent while nobody counts by link: then no rate is shown, rather than 0. */
  readonly links?: Readonly<Record<string, { readonly up: number; readonly down: number }>>;
}

/** The reading half of the store. */
export type StoreReader = Pick<Store, 'status' | 'recentMessages' | 'recentAudit'> & {
  readonly registry: Pick<Registry, 'all' | 'byAppId'>;
  readonly outbox: Pick<Outbox, 'depth' | 'oldestMs'>;
};

/** What the service reads from. It reads only: nothing here can change the gateway. */
export interface Source {
  readonly clock: Clock;
  readonly store: StoreReader;
  /** Absent while no server is configured. */
  readonly session?: Pick<Session, 'status'>;
  readonly links: readonly Pick<Link, 'id' | 'status'>[];
  readonly relay: { status(): RelayStatus };
  readonly facts: Facts;
}
