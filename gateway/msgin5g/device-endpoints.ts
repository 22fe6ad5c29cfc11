import type { Cancel, Clock } from '../base/clock.ts';
import { codeOf } from '../base/errors.ts';
import { errorFacts, type Log } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import { createCoapEndpoint } from '../coap/endpoint.ts';
import type { CoapEndpoint, CoapParameters, CoapRequest, IncomingResponse } from '../coap/types.ts';
import type { Link } from '../link/link.ts';
import type { Refusals } from '../store/types.ts';
import { auditEvent } from './audit.ts';
import type { DeviceService } from './device-service.ts';
import type { Place } from './registration.ts';

export interface DeviceEndpointsOptions {
  readonly links: readonly Link[];
  readonly service: DeviceService;
  readonly refusals: Pick<Refusals, 'note'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly parameters?: Partial<CoapParameters>;
  readonly log: Log;
}

/** Sends a request to the device at a place. */
export interface DeviceRoutes {
  /** Undefined when there is no way there: no such link, or not an address of it. */
  request(place: Place, request: CoapRequest): Promise<IncomingResponse> | undefined;
}

export interface DeviceEndpoints extends DeviceRoutes {
  /** One CoAP endpoint for each link, by the link's ID: its counters and its pings. */
  readonly endpoints: ReadonlyMap<string, CoapEndpoint>;
  /**
   * Opens every link. One that cannot be opened does not hold up the others, and is tried again: what was in its way is in
   * the result, by link.
   */
  start(): Promise<ReadonlyMap<string, unknown>>;
  stop(): Promise<void>;
}

/** Ours: a port that another program gives back is ours soon, and one that stays taken costs next to nothing. */
const retryMs = 5_000;

/** A CoAP endpoint over each link, all with the device service behind them. */
export function createDeviceEndpoints(options: DeviceEndpointsOptions): DeviceEndpoints {
  const { service, refusals, clock, random, parameters, log } = options;
  const links = new Map(options.links.map(link => [link.id, link]));
  const endpoints = new Map(options.links.map(link => [link.id, endpointOn(link)]));
  const retries = new Map<string, Cancel>();
  let isRunning = false;

  function endpointOn(link: Link): CoapEndpoint {
    return createCoapEndpoint({
      channel: link.channel,
      clock,
      random,
      parameters,
      log: log.child({ link: link.id }),
      handler: request => service.handle({ linkId: link.id, address: link.addressOf(request.from) }, request),
      onMalformed: (endpoint, fault) => {
        const from = `${link.id} ${link.addressOf(endpoint)}`;
        const after = { detail: `${fault.reason}, octet ${fault.offset}` };
        refusals.note(
          auditEvent(
            clock,
            'peer.malformed',
            { actor: from, from },
            { object: `link:${link.id}`, result: 'refused', reason: 'coap.format', after },
          ),
        );
      },
    });
  }

  /** What was in the way, or undefined when the link is open. Each cause is told once, however often it is met. */
  async function open(id: string, endpoint: CoapEndpoint, before?: string): Promise<unknown> {
    try {
      await endpoint.start();
      if (before !== undefined) log.info(`link ${id} is open now`);
      return undefined;
    } catch (error) {
      if (!isRunning) return error;
      if (codeOf(error) !== before) log.error(`link ${id} does not open, trying again`, errorFacts(error));
      retries.set(
        id,
        clock.after(retryMs, () => void open(id, endpoint, codeOf(error))),
      );
      return error;
    }
  }

  return {
    endpoints,
    request({ linkId, address }, request) {
      const endpoint = links.get(linkId)?.endpointAt(address);
      return endpoint && endpoints.get(linkId)?.request(endpoint, request);
    },
    async start() {
      isRunning = true;
      const failures = new Map<string, unknown>();
      await Promise.all(
        [...endpoints].map(async ([id, endpoint]) => {
          const failure = await open(id, endpoint);
          if (failure !== undefined) failures.set(id, failure);
        }),
      );
      return failures;
    },
    async stop() {
      isRunning = false;
      for (const cancel of retries.values()) cancel();
      retries.clear();
      await Promise.all([...endpoints.values()].map(endpoint => endpoint.stop()));
    },
  };
}
