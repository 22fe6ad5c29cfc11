import type { AuditRecord } from '../../api/contract.ts';
import { formatCount } from '../format.ts';

/**
 * Every word of the dashboard. A translation is a file beside this one with the same shape. Sentences are whole: where a
 * value stands in one, the sentence is a function, so that another language can put it elsewhere.
 */
const many = (count: number, one: string, other: string): string =>
  `${formatCount(count)} ${count === 1 ? one : other}`;

export const en = {
  product: 'Fieldgate',
  title: (page: string, site: string, isLab: boolean) => `${isLab ? 'LAB · ' : ''}${page} · ${site} · Fieldgate`,
  skip: 'Skip to content',
  lab: { mark: 'LAB', text: 'Simulated server and keys. Nothing here reaches an operator.' },
  nav: { main: 'Main', watch: 'Watch', overview: 'Overview' },
  top: {
    needsYou: (count: number) =>
      count === 0 ? 'Nothing needs you' : many(count, 'thing needs you', 'things need you'),
    theme: 'Theme',
    themes: { system: 'System', light: 'Light', dark: 'Dark', sunlight: 'Sunlight' },
  },
  contact: {
    lost: (age: string) => `No contact with the gateway for ${age}, trying again`,
    connecting: 'Reaching the gateway',
    back: 'The gateway answers again.',
    signedOutTitle: 'This browser is not signed in any more',
    signedOut:
      'The gateway was started anew, and with it the list of browsers that may use it. Nothing is lost: devices and messages go on without this page.',
    signedOutTodo:
      'Open the link on the line that begins with “Fieldgate is ready”, which the gateway printed when it started.',
  },
  loading: { still: 'Still reading from the gateway', label: 'Loading' },

  status: {
    label: 'Gateway state',
    session: 'Session',
    links: 'Links',
    linksOpen: (open: number, all: number) => (all === 0 ? 'none' : `${open} of ${all}`),
    queue: 'Queue',
    oldest: (age: string) => `oldest ${age}`,
    lost: 'Lost',
    audit: 'Audit',
    auditRow: (seq: number) => (seq === 0 ? 'no row yet' : `row ${formatCount(seq)}`),
    live: 'Live',
    updates: 'updates/s',
  },

  figures: {
    label: 'Figures',
    rate: 'Messages per second',
    up: 'up',
    down: 'down',
    messagesSince: (count: number, since: string) => `${formatCount(count)} since ${since}`,
    queue: 'Queue to the server',
    messages: (count: number) => (count === 1 ? 'message' : 'messages'),
    queueEmpty: 'nothing waits',
    queueDown: (count: number) => `${formatCount(count)} to devices`,
    devices: 'Devices registered',
    ofAll: (count: number) => `of ${formatCount(count)}`,
    devicesAll: 'every device on the list',
    devicesNone: 'none on the allow-list',
    linkLost: (count: number) => `${formatCount(count)} link lost`,
    notRegistered: (count: number) => `${formatCount(count)} not registered`,
    latency: 'Delivery latency, 5 min',
    p50: 'ms p50',
    tails: (p95: string, p99: string | undefined) =>
      p99 === undefined ? `p95 ${p95} ms` : `p95 ${p95} ms · p99 ${p99} ms`,
    noLatency: 'no message in 5 min',
    retransmissions: 'Retransmissions',
    ofSent: (count: number, sent: number) => `${formatCount(count)} of ${formatCount(sent)} sent`,
    lost: 'Lost after acknowledging',
    lostNone: (age: string) => `since the start, ${age}`,
    lostSome: 'acknowledged, then not found',
  },

  needs: {
    title: 'Needs you',
    none: 'Nothing needs you',
    noneWhy: 'Session, links and store work. What needs a person appears here.',
    storeFailed: 'The gateway cannot write to its disk',
    storeSafe: 'Nothing new is acknowledged, so nothing is lost.',
    sessionDown: 'The session with the server is not up',
    sessionTrying: 'The session with the server is being set up again',
    sessionHeld: 'Messages of devices are kept and sent when it is.',
    noServer: 'No server is configured',
    noServerTodo:
      'Devices may register and send; their messages wait here. Name server, ueServiceId and akma.keyFile in the configuration.',
    linkDown: (link: string) => `Link ${link} is not open`,
    linkTodo: 'Its devices cannot be reached until it is. It is tried again by itself.',
    lost: (count: number) => `${many(count, 'message was', 'messages were')} acknowledged and then not found`,
    lostTodo: 'This must not happen. Keep the data directory as it is and report it.',
    nextTry: (age: string) => `next try in ${age}`,
    ago: (age: string) => `${age} ago`,
  },

  site: {
    title: 'Site',
    meta: 'one mark a device',
    map: 'Map',
    list: 'List',
    view: 'Show the site as',
    devices: (count: number) => (count === 1 ? 'device' : 'devices'),
    moreMarks: (count: number) => `and ${formatCount(count)} more`,
    mapLabel: (devices: number, links: number) =>
      `Topology: ${many(devices, 'device', 'devices')} on ${many(links, 'link', 'links')}, gateway, server. The list says the same in words.`,
    gateway: 'Gateway',
    server: 'Server',
    queue: (count: number) => `queue ${formatCount(count)}`,
    oldest: (age: string) => `oldest ${age}`,
    commit: (ms: string) => `commit ${ms} ms`,
    serverSince: (state: string, age: string) => `${state.toLowerCase()} ${age}`,
    roundTrip: (ms: string) => `RTT ${ms} ms`,
    dtls: 'DTLS',
    kinds: { udp: 'UDP', serial: 'Serial' },
    unlinked: 'on no link yet',
    rates: (up: string, down: string) => `${up}/s up · ${down}/s down`,
    listDevices: (count: number, where: string) => `${many(count, 'device', 'devices')} on ${where}`,
    empty: 'No links yet',
    emptyWhy: 'A link appears here when the configuration names one: deviceListen for UDP, serial for a port.',
  },

  session: {
    title: 'Session with the server',
    since: (time: string, age: string) => `since ${time}, ${age}`,
    server: 'Server',
    suite: 'Suite',
    resumed: 'resumed',
    proved: 'Proved',
    roundTrip: 'Round trip',
    key: 'A-KID',
    expires: 'Key expires',
    attempts: 'Attempts',
    nextTry: 'Next try',
    inTime: (age: string) => `in ${age}`,
    ago: (age: string) => `${age} ago`,
    never: 'not in this run',
    steps: 'The way to the server',
  },

  devices: {
    title: 'Devices',
    meta: (shown: number, all: number) =>
      shown < all ? `${shown} of ${formatCount(all)}, what needs you first` : formatCount(all),
    on: (link: string, address: string) => `${link} · ${address}`,
    never: 'has not registered',
    empty: 'No devices yet',
    emptyWhy:
      'A device appears here when the configuration lists it. It is registered as soon as it asks with the right credential.',
  },

  messages: {
    title: 'Last messages',
    meta: 'newest first',
    newer: (count: number) => `${count} newer`,
    up: 'to the server',
    down: 'to the device',
    report: 'report',
    noPayload: 'no payload',
    empty: 'No messages yet',
    emptyWhy: 'The first message of a registered device appears here, with each step of its way.',
  },

  events: {
    title: 'Recent events',
    empty: 'No events yet',
    emptyWhy: 'What happens at this gateway is written to its audit trail, and the newest rows stand here.',
    device: (event: AuditRecord) => event.deviceName ?? event.object.replace(/^device:/, ''),
    link: (event: AuditRecord) => event.object.replace(/^link:/, ''),
    message: (event: AuditRecord) => event.object.replace(/^message:/, ''),
    peer: (event: AuditRecord) => event.deviceName ?? event.actor.replace(/^device:/, ''),
    times: (count: number) => `${formatCount(count)} times`,
    /** The words after the subject, or the whole sentence where there is none. */
    says: {
      'gateway.started': 'Gateway started',
      'gateway.stopped': 'Gateway stopped in order',
      'device.added': 'came onto the allow-list',
      'device.changed': 'was changed in the configuration',
      'device.removed': 'was taken off the allow-list',
      'device.registered': 'registered',
      'device.deregistered': 'de-registered',
      'device.refused': 'was refused',
      'message.failed': 'was given up',
      'message.expired': 'expired undelivered',
      'message.refused': 'sent a message that was refused',
      'session.up': 'Session up',
      'session.lost': 'Session lost',
      'session.refused': 'Server refused the key or the registration',
      'session.closed': 'Session closed in order',
      'link.opened': 'opened',
      'link.lost': 'was lost',
      'peer.malformed': 'sent what is not well-formed',
      'peer.unknown': 'asked without being registered',
      'store.failed': 'Store could not write',
      'store.recovered': 'Store writes again',
    } as Readonly<Record<string, string>>,
  },

  states: {
    device: {
      registered: 'Registered',
      'link-lost': 'Link lost',
      deregistered: 'De-registered',
      absent: 'Not attached',
    },
    session: {
      off: 'Not attached',
      'no-key': 'No key',
      keyed: 'Keyed',
      handshaking: 'Handshaking',
      registering: 'Registering',
      up: 'Up',
      lost: 'Lost',
    },
    message: {
      received: 'Received',
      queued: 'Queued',
      sent: 'Sent',
      acknowledged: 'Acknowledged',
      delivered: 'Delivered',
      failed: 'Failed',
      expired: 'Expired',
    },
    link: {
      open: 'Open',
      opening: 'Trying',
      broken: 'Broken',
      held: 'Held',
      'no-permission': 'No permission',
      closed: 'Stopped',
    },
  },

  say: {
    session: (state: string) => `Session: ${state}.`,
    linksDown: (count: number) => `${many(count, 'link is', 'links are')} not open.`,
  },
};

export type Texts = typeof en;
