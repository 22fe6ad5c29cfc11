import { GatewayError } from '../base/errors.ts';
import { fromUtf8, utf8 } from '../base/bytes.ts';
import { silentLog } from '../base/log.ts';
import { seededRandom } from '../base/random.ts';
import { Secret } from '../base/secret.ts';
import { TestClock } from '../base/test-clock.ts';
import { method } from '../coap/codes.ts';
import { contentFormat, uriPath } from '../coap/options.ts';
import type { CoapResponse, IncomingRequest, IncomingResponse } from '../coap/types.ts';
import { credentialsUnder } from '../store/credential.ts';
import { openTestStore, type TestStore } from '../store/test-store.ts';
import type { AuditEvent, Device, Message, Store } from '../store/types.ts';
import { MessageCounters } from './counters.ts';
import { createDeviceService, type DeviceService } from './device-service.ts';
import { MessageOwners } from './message-owners.ts';
import { createProfile, type Profile } from './profile.ts';
import type { Place } from './registration.ts';
import type { RelayContext } from './relay.ts';
import { relayParameters } from './relay.ts';
import { createReports } from './reports.ts';
import { createServerClient } from './server-client.ts';
import type { SessionUser } from '../session/types.ts';

/** For tests of this folder: a real store, an own clock, and requests as they come out of CoAP. */

export const gatewayId = 'ue-gateway-1@example.com';
export const meterPlace: Place = { linkId: 'lab-serial', address: 'port' };
export const valvePlace: Place = { linkId: 'lab-udp', address: '127.0.0.1:40001' };
export const meterReg = '{"msgType":"REG","layer2Id":"meter-1","appId":"water","credential":"open sesame"}';
export const valveReg = '{"msgType":"REG","layer2Id":"valve-1","appId":"heat","credential":"valve secret"}';

export const credentials = credentialsUnder(new Secret(new Uint8Array(32).fill(7)));

export interface World extends AsyncDisposable {
  readonly disk: TestStore;
  readonly store: Store;
  readonly clock: TestClock;
  readonly profile: Profile;
  readonly counters: MessageCounters;
  readonly noted: AuditEvent[];
  readonly service: DeviceService;
  readonly server: SessionUser;
  readonly relay: RelayContext;
  /** A device's request, answered: code and decoded payload. */
  device(json: string, place?: Place, with_?: Partial<IncomingRequest>): Promise<Answer>;
  /** The server's request, answered. */
  fromServer(json: string, with_?: Partial<IncomingRequest>): Promise<Answer>;
  messages(): Promise<readonly Message[]>;
  audit(): Promise<readonly AuditEvent[]>;
}

export interface Answer {
  readonly code: string;
  readonly body: unknown;
  readonly text: string;
  readonly response: CoapResponse;
}

/** The gateway's two doors over a store, with a meter and a valve on the allow-list. `store` stands in for parts that fail. */
export async function openWorld(
  settings: Partial<Profile> = {},
  options: { store?: (real: Store) => Pick<Store, 'registry' | 'outbox'>; disk?: TestStore } = {},
): Promise<World> {
  const disk = options.disk ?? (await openTestStore());
  const { store, clock } = disk;
  const profile = createProfile({
    ueServiceId: gatewayId,
    defaultDestination: { addrType: 'AS', addr: 'as-1@example.com' },
    ...settings,
  });
  if (!options.disk) await Promise.all(allowed.map(device => store.registry.save(device, [])));
  const counters = new MessageCounters(clock, seededRandom(1));
  const noted: AuditEvent[] = [];
  const shared = {
    store: options.store?.(store) ?? store,
    profile,
    clock,
    counters,
    refusals: { note: (event: AuditEvent) => noted.push(event) },
    owners: new MessageOwners(),
    log: silentLog,
  };
  const service = createDeviceService({ ...shared, credentials });
  const server = createServerClient(shared);
  const reports = createReports({ outbox: store.outbox, registry: store.registry, profile, clock });
  return {
    disk,
    store,
    clock,
    profile,
    counters,
    noted,
    service,
    server,
    relay: {
      store,
      profile,
      reports,
      counters,
      clock,
      random: seededRandom(2),
      parameters: relayParameters,
      log: silentLog,
    },
    device: async (json, place = meterPlace, with_ = {}) => answer(await service.handle(place, incoming(json, with_))),
    fromServer: async (json, with_ = {}) => answer(await server.onRequest(incoming(json, with_))),
    messages: () => store.recentMessages(100),
    audit: async () => (await store.recentAudit(100)).map(row => JSON.parse(row.body) as AuditEvent),
    [Symbol.asyncDispose]: () => disk[Symbol.asyncDispose](),
  };
}

const allowed: readonly Device[] = [
  allow('meter-1', 'water', 'open sesame'),
  allow('meter-1', 'water-alarm', 'open sesame'),
  allow('meter-2', 'water', 'second meter'),
  allow('meter-2', 'gas', 'second meter'),
  allow('valve-1', 'heat', 'valve secret'),
  { ...allow('camera-1', 'view', 'camera secret'), originator: 'device', ueServiceId: 'camera-1@example.com' },
];

function allow(layer2Id: string, appId: string, credential: string): Device {
  return {
    layer2Id,
    appId,
    name: layer2Id,
    credentialHash: credentials.hash(credential),
    originator: 'gateway',
    registered: false,
  };
}

let nextMessageId = 0x1000;

/** POST /msgin5g, Content-Format 50, with a Message ID and token of its own unless given. */
export function incoming(payload: string | Uint8Array, with_: Partial<IncomingRequest> = {}): IncomingRequest {
  const messageId = nextMessageId++;
  return {
    code: method.post,
    options: [...uriPath('msgin5g'), contentFormat(50)],
    payload: typeof payload === 'string' ? utf8(payload) : payload,
    confirmable: true,
    from: { key: 'test' },
    messageId,
    token: Uint8Array.of(messageId >> 8, messageId & 0xff),
    ...with_,
  };
}

export function outgoingAnswer(code: number, json = '', options: CoapResponse['options'] = []): IncomingResponse {
  return { code, options, payload: utf8(json), from: { key: 'test' }, roundTripMs: 1, retransmissions: 0 };
}

export function noAnswer(): GatewayError {
  return new GatewayError('coap.no-answer', 'test gave no answer');
}

function answer(response: CoapResponse): Answer {
  const text = fromUtf8(response.payload) ?? '';
  const isJson = text.startsWith('{');
  const code = `${response.code >> 5}.${String(response.code & 0x1f).padStart(2, '0')}`;
  return { code, text, body: isJson ? (JSON.parse(text) as unknown) : text, response };
}

/** Waits for what the disk has to do first; gives up by its count of turns, not by a clock. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 4_000; turn++) {
    if (await condition()) return;
    await new Promise(resolve => setTimeout(resolve, 1));
  }
  throw new Error('it did not come to pass');
}
