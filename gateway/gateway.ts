import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from './base/clock.ts';
import { GatewayError, messageOf } from './base/errors.ts';
import { formatHostPort, splitHostPort } from './base/host-port.ts';
import type { Log } from './base/log.ts';
import type { Random } from './base/random.ts';
import { coapParameters } from './coap/parameters.ts';
import type { CoapCounters } from './coap/types.ts';
import type { Config } from './config.ts';
import { createLink } from './link/index.ts';
import type { Link } from './link/link.ts';
import { applyAllowList } from './msgin5g/allow-list.ts';
import { createElementMap } from './msgin5g/elements.ts';
import { createMsgin5g, type Joined, type Msgin5g } from './msgin5g/msgin5g.ts';
import { createProfile } from './msgin5g/profile.ts';
import { relayParameters } from './msgin5g/relay.ts';
import { suiteCodes } from './secure/suites.ts';
import { createSession } from './session/session.ts';
import type { Transport } from './session/transport.ts';
import type { KeySource, Session } from './session/types.ts';
import { openCredentials, type Credentials } from './store/credential.ts';
import { createStore } from './store/store.ts';
import { Trail } from './trail.ts';

/** Configuration of a gateway that can go to work: it knows its server, its name and its key. */
export type WorkingConfig = Config & Required<Pick<Config, 'server' | 'akma' | 'ueServiceId'>>;

/** What the gateway takes from outside: time, chance, where keys come from and how the server is reached. */
export interface World {
  /** Registrations, messages, audit trail and the credential key. Made when missing. */
  readonly dataDirectory: string;
  readonly keySource: KeySource;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** How long a stop waits for the server's answer to DEREG. */
const deregisterWithinMs = 3_000;

/**
 * The MSGin5G Gateway UE, from what carries octets to what they mean:
 *
 * ```
 *   device - Link - CoapEndpoint - DeviceService - Store.outbox - Relay - Session - CoapEndpoint - DTLS - server
 * ```
 *
 * It constructs, connects, starts and stops; everything that decides is below.
 */
export class Gateway {
  readonly config: WorkingConfig;
  readonly clock: Clock;
  readonly store: ReturnType<typeof createStore>;
  readonly session: Session;
  readonly links: readonly Link[];
  readonly msgin5g: Msgin5g;
  readonly startedAtMs: number;
  readonly #world: World;
  readonly #trail: Trail;
  readonly #joined: Joined;
  #credentials: Credentials | undefined;
  #unfollow: (() => void)[] = [];
  #isStarted = false;

  constructor(config: WorkingConfig, world: World) {
    const { clock, random, log, dataDirectory, keySource, transport } = world;
    const { server, akma } = config;
    this.config = config;
    this.clock = clock;
    this.startedAtMs = clock.wallMs();
    this.#world = world;
    this.store = createStore({ path: join(dataDirectory, 'fieldgate.db'), clock, log });
    this.#trail = new Trail(this.store, clock, log);
    this.links = [
      createLink('udp', { id: 'udp', ...splitHostPort(config.deviceListen) }, { clock, log }),
      ...config.serial.map(port => createLink('serial', port, { clock, log })),
    ];
    this.msgin5g = createMsgin5g({
      store: this.store,
      refusals: this.store.refusals,
      profile: createProfile({
        ueServiceId: config.ueServiceId,
        uriPath: server.uriPath,
        serviceId: server.serviceId,
        messageLifetimeMs: config.messageLifetimeMs,
        defaultDestination: config.defaultDestination,
        serverElements: createElementMap(config.serverElements),
        deviceElements: createElementMap(config.deviceElements),
        payloadCoding: config.payloadCoding,
        maxQueued: config.maxQueued,
        exchangeLifetimeMs: coapParameters(config.deviceCoap).exchangeLifetimeMs,
      }),
      credentials: { matches: (credential, hash) => this.#credentials?.matches(credential, hash) ?? false },
      relay: { upInFlight: Math.max(relayParameters.upInFlight, 2 * coapParameters(config.serverCoap).nstart) },
      clock,
      random,
      log,
    });
    this.session = createSession({
      server: { fqdn: server.fqdn, where: formatHostPort(server), uriPath: server.uriPath },
      suites: suiteCodes(akma.suites),
      uaStarId: akma.uaStarId,
      identityFormat: { prefix: akma.pskIdentityPrefix, separator: akma.pskIdentitySeparator },
      requireIdentityHint: akma.requireIdentityHint,
      pingAfterSilenceMs: config.pingAfterSilenceMs,
      coap: config.serverCoap,
      user: this.msgin5g.sessionUser,
      keySource,
      transport,
      clock,
      random,
      log,
    });
    this.#joined = this.msgin5g.join(this.session, this.links, config.deviceCoap);
  }

  /** CoAP counters of every way: the devices' links by their IDs, and `server`. */
  get coapCounters(): ReadonlyMap<string, Readonly<CoapCounters>> {
    const links = [...this.#joined.devices.endpoints].map(([id, { counters }]) => [id, counters] as const);
    return new Map([...links, ['server', this.session.counters]]);
  }

  /**
   * Opens the store, brings the allow-list into it, opens the links and begins to reach for the server. Rejects when there
   * is no store to be had; a link or a server that is not there is a state, not an end.
   */
  async start(): Promise<void> {
    if (this.#isStarted) return;
    const { clock, config, session, store } = this;
    makeDirectory(this.#world.dataDirectory);
    await store.open();
    try {
      this.#credentials = openCredentials(this.#world.dataDirectory);
      await applyAllowList(config.devices, { registry: store.registry, credentials: this.#credentials, clock });
      await this.#trail.write({ action: 'gateway.started', object: 'gateway', result: 'ok' });
    } catch (error) {
      await store.close();
      throw error;
    }
    this.#isStarted = true;
    this.#unfollow = [this.#trail.followSession(session), ...this.links.map(link => this.#trail.followLink(link))];
    await this.#joined.start();
    session.start();
  }

  /** Leaves the server, closes the links, and puts everything that is accepted on disk. */
  async stop(): Promise<void> {
    if (!this.#isStarted) return;
    this.#isStarted = false;
    await this.session.stop(deregisterWithinMs);
    await this.#joined.stop();
    for (const unfollow of this.#unfollow) unfollow();
    await this.store.refusals.close();
    await this.#trail.write({ action: 'gateway.stopped', object: 'gateway', result: 'ok' });
    await this.#world.transport.close();
    await this.store.close();
  }
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new GatewayError('store.no-directory', `the data directory ${path} cannot be made: ${messageOf(cause)}`, {
      cause,
      hint: 'choose another with --data',
    });
  }
}
