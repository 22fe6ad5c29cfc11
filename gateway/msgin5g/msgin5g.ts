import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { CoapParameters } from '../coap/types.ts';
import type { Link } from '../link/link.ts';
import type { Session, SessionUser } from '../session/types.ts';
import type { Credentials } from '../store/credential.ts';
import type { Refusals, Store } from '../store/types.ts';
import { MessageCounters } from './counters.ts';
import { createDeviceEndpoints, type DeviceEndpoints } from './device-endpoints.ts';
import { createDeviceService, type DeviceService } from './device-service.ts';
import { MessageOwners } from './message-owners.ts';
import type { Profile } from './profile.ts';
import { relayParameters, type RelayParameters } from './relay.ts';
import { createDownRelay } from './relay-down.ts';
import { createUpRelay } from './relay-up.ts';
import { createReports } from './reports.ts';
import { createServerClient } from './server-client.ts';

export interface Msgin5gOptions {
  readonly store: Pick<Store, 'registry' | 'outbox'>;
  readonly refusals: Pick<Refusals, 'note'>;
  readonly profile: Profile;
  readonly credentials: Pick<Credentials, 'matches'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly relay?: Partial<RelayParameters>;
}

export interface Msgin5g {
  /** What the session carries: give it to the session. */
  readonly sessionUser: SessionUser;
  readonly deviceService: DeviceService;
  readonly counters: MessageCounters;
  /** Joins both sides, once the session and the links are there. */
  join(session: Session, links: readonly Link[], parameters?: Partial<CoapParameters>): Joined;
}

export interface Joined {
  readonly devices: DeviceEndpoints;
  /** Opens the links and relays. What kept a link from opening is in the result, by link. */
  start(): Promise<ReadonlyMap<string, unknown>>;
  stop(): Promise<void>;
}

/**
 * MSGin5G in the gateway UE.
 *
 * ```
 *   links -> device endpoints -> device service -> outbox up   -> up relay   -> session -> server
 *   links <- device endpoints <- down relay     <- outbox down <- server client <- session <- server
 * ```
 */
export function createMsgin5g(options: Msgin5gOptions): Msgin5g {
  const { store, refusals, profile, clock, random, log } = options;
  const counters = new MessageCounters(clock, random);
  const shared = { store, profile, clock, counters, refusals, owners: new MessageOwners(), log };
  const sessionUser = createServerClient(shared);
  const deviceService = createDeviceService({ ...shared, credentials: options.credentials });

  function join(session: Session, links: readonly Link[], coapParameters?: Partial<CoapParameters>): Joined {
    const devices = createDeviceEndpoints({
      links,
      service: deviceService,
      refusals,
      clock,
      random,
      parameters: coapParameters,
      log,
    });
    const reports = createReports({ outbox: store.outbox, registry: store.registry, profile, clock });
    const parameters = { ...relayParameters, ...options.relay };
    const context = { store, profile, reports, counters, clock, random, parameters, log };
    const up = createUpRelay({ ...context, session });
    const down = createDownRelay({ ...context, routes: devices, onHeard: deviceService.onHeard });
    return {
      devices,
      start() {
        up.start();
        down.start();
        return devices.start();
      },
      async stop() {
        up.stop();
        down.stop();
        await devices.stop();
      },
    };
  }

  return { sessionUser, deviceService, counters, join };
}
