import { z } from 'zod';

/**
 * What the gateway answers and shows, as plain JSON records. Times are wall-clock milliseconds of the gateway. No record
 * ever holds a key, a part of one, or a credential or its hash.
 */

const count = z.number().int().min(0);
/** Messages a second, mean of the last 10 s. Absent until it has been watched for a second. */
const perSecond = z.number().min(0).optional();

export const failure = z.strictObject({ code: z.string(), message: z.string(), hint: z.string().optional() });

/** What does not change while the gateway runs. */
export const facts = z.strictObject({
  site: z.string(),
  version: z.string(),
  isLab: z.boolean(),
  startedAtMs: z.number(),
  ueServiceId: z.string().optional(),
});

export const session = z.strictObject({
  /** `off`: no server is configured, so there is nothing to be up. */
  state: z.enum(['off', 'no-key', 'keyed', 'handshaking', 'registering', 'up', 'lost']),
  sinceMs: z.number(),
  provedAtMs: z.number().optional(),
  server: z.string(),
  /** Names the key, and is sent in the clear by design: TS 33.535 §6.1. */
  aKid: z.string().optional(),
  keyExpiresAtMs: z.number().optional(),
  /** `C0A8 PSK_AES_128_CCM_8` */
  suite: z.string().optional(),
  resumed: z.boolean().optional(),
  nextTryAtMs: z.number().optional(),
  attempts: count,
  roundTripMs: z.number().optional(),
  reason: failure.optional(),
});

export const link = z.strictObject({
  id: z.string(),
  kind: z.enum(['udp', 'serial']),
  state: z.enum(['closed', 'opening', 'open']),
  sinceMs: z.number(),
  where: z.string(),
  reason: failure.optional(),
  devices: count,
  upPerSecond: perSecond,
  downPerSecond: perSecond,
});

/** `link-lost`: registered, and its link is not open. `absent`: on the allow-list, not registered. */
export const deviceState = z.enum(['registered', 'link-lost', 'deregistered', 'absent']);

export const device = z.strictObject({
  /** `layer2Id/appId`, unique in a gateway. */
  key: z.string(),
  name: z.string(),
  layer2Id: z.string(),
  appId: z.string(),
  state: deviceState,
  linkId: z.string().optional(),
  address: z.string().optional(),
  registeredAtMs: z.number().optional(),
  ueServiceId: z.string().optional(),
});

export const messageState = z.enum(['received', 'queued', 'sent', 'acknowledged', 'delivered', 'failed', 'expired']);

export const message = z.strictObject({
  rowId: count,
  direction: z.enum(['up', 'down']),
  kind: z.enum(['MSG', 'IMDN']),
  messageId: z.string(),
  originator: z.string(),
  appId: z.string(),
  deviceName: z.string().optional(),
  state: messageState,
  /** The beginning of the payload, or the delivery status of an IMDN. */
  preview: z.string(),
  payloadBytes: count,
  attempts: count,
  cause: z.string().optional(),
  receivedAtMs: z.number(),
  updatedAtMs: z.number(),
});

export const auditEvent = z.strictObject({
  seq: count,
  atMs: z.number(),
  /** Stable for ever: `device.registered`. */
  action: z.string(),
  actor: z.string(),
  from: z.string().optional(),
  object: z.string(),
  /** The name of the device that `object` or `actor` is, when it is one. */
  deviceName: z.string().optional(),
  result: z.enum(['ok', 'refused', 'failed']),
  reason: z.string().optional(),
  count: count.optional(),
});

export const store = z.strictObject({
  state: z.enum(['open', 'failed', 'closed']),
  reason: failure.optional(),
  commitMsP50: z.number(),
  auditSeq: count,
});

export const figures = z.strictObject({
  upPerSecond: perSecond,
  downPerSecond: perSecond,
  /** Since the gateway started. */
  messages: count,
  queueUp: count,
  oldestUpAtMs: z.number().optional(),
  queueDown: count,
  devices: count,
  registered: count,
  latency: z.strictObject({ p50Ms: z.number(), p95Ms: z.number(), p99Ms: z.number().optional() }).optional(),
  sent: count,
  retransmissions: count,
  /** Must read 0. */
  lostAfterAcknowledge: count,
});

/** Everything the Overview shows. Devices and links are keyed, so that an update names only those that changed. */
export const overview = z.strictObject({
  facts,
  store,
  session,
  figures,
  links: z.record(z.string(), link),
  /** At most `maxOverviewDevices`; `figures.devices` counts all. */
  devices: z.record(z.string(), device),
  /** Newest first. */
  messages: z.array(message),
  /** Newest first, without the everyday life of messages, which would push all else out. */
  events: z.array(auditEvent),
});

/** One mark each still fits the map; more belong in a list that is paged. */
export const maxOverviewDevices = 1_000;

const nothing = z.strictObject({}).optional();
const page = z.strictObject({
  limit: z.number().int().min(1).max(200).default(50),
  /** Older than this row, exclusive. */
  before: z.number().int().min(1).optional(),
});

export const contract = {
  'system.facts': { input: nothing, output: facts },
  /** Also the heartbeat of a client. */
  'system.now': { input: nothing, output: z.strictObject({ nowMs: z.number() }) },
  'session.status': { input: nothing, output: session },
  'devices.list': {
    input: z.strictObject({ limit: z.number().int().min(1).max(1_000).default(200), after: z.string().optional() }),
    output: z.strictObject({ devices: z.array(device), total: count }),
  },
  'links.list': { input: nothing, output: z.strictObject({ links: z.array(link) }) },
  'messages.recent': { input: page, output: z.strictObject({ messages: z.array(message) }) },
  'audit.recent': { input: page, output: z.strictObject({ events: z.array(auditEvent) }) },
  'overview.read': { input: nothing, output: overview },
} as const;

export type ApiContract = typeof contract;

/** What can be watched. */
export interface ApiViews {
  overview: Overview;
}

export type Failure = z.output<typeof failure>;
export type Facts = z.output<typeof facts>;
export type SessionRecord = z.output<typeof session>;
export type LinkRecord = z.output<typeof link>;
export type DeviceState = z.output<typeof deviceState>;
export type DeviceRecord = z.output<typeof device>;
export type MessageState = z.output<typeof messageState>;
export type MessageRecord = z.output<typeof message>;
export type AuditRecord = z.output<typeof auditEvent>;
export type Figures = z.output<typeof figures>;
export type Overview = z.output<typeof overview>;
