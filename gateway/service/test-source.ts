import type { Facts } from '../../api/contract.ts';
import type { Clock } from '../base/clock.ts';
import type { LinkStatus } from '../link/link.ts';
import type { SessionStatus } from '../session/types.ts';
import type { AuditEvent, AuditRow, Device, Message, StoreStatus } from '../store/types.ts';
import type { RelayStatus, Source } from './source.ts';

/** A gateway that a test writes by hand: what it is told is what the service reads. */
export class TestSource implements Source {
  readonly clock: Clock;
  readonly facts: Facts;
  readonly devices: Device[] = [];
  readonly messages: Message[] = [];
  readonly audit: AuditRow[] = [];
  readonly links: { id: string; status: () => LinkStatus }[] = [];
  queueUp = 0;
  queueDown = 0;
  oldestUpAtMs: number | undefined;
  /** When set, reading from the disk fails with it. */
  readFailure: Error | undefined;
  session: { status(): SessionStatus } | undefined;
  #store: StoreStatus;
  #relay: RelayStatus;

  constructor(clock: Clock, facts: Partial<Facts> = {}) {
    this.clock = clock;
    this.facts = { site: 'Nordhafen 3', version: '0.1.0', isLab: false, startedAtMs: clock.wallMs(), ...facts };
    this.#store = {
      state: 'open',
      commits: 0,
      transactions: 0,
      waiting: 0,
      commitMsP50: 0,
      commitMsMax: 0,
      auditSeq: 0,
    };
    this.#relay = {
      up: 0,
      down: 0,
      sent: 0,
      retransmissions: 0,
      lostAfterAcknowledge: 0,
      links: {},
    };
  }

  readonly relay = { status: (): RelayStatus => this.#relay };

  readonly store: Source['store'] = {
    status: () => this.#store,
    registry: {
      all: () => this.devices,
      byAppId: appId => this.devices.find(device => device.registered && device.appId === appId),
    },
    outbox: {
      depth: direction => (direction === 'up' ? this.queueUp : this.queueDown),
      oldestMs: direction => (direction === 'up' ? this.oldestUpAtMs : undefined),
    },
    recentMessages: async (limit, before = Infinity) =>
      this.#newest(this.messages, limit, ({ rowId }) => rowId < before),
    recentAudit: async (limit, before = Infinity) => this.#newest(this.audit, limit, ({ seq }) => seq < before),
  };

  setRelay(to: Partial<RelayStatus>): void {
    this.#relay = { ...this.#relay, ...to };
  }

  setStore(to: Partial<StoreStatus>): void {
    this.#store = { ...this.#store, ...to };
  }

  setSession(to: Partial<SessionStatus>): void {
    const before = this.session?.status() ?? { state: 'no-key', sinceMs: this.clock.wallMs(), server: '', attempts: 0 };
    const status: SessionStatus = { ...before, ...to };
    this.session = { status: () => status };
  }

  setLink(id: string, to: Partial<LinkStatus>): void {
    const found = this.links.find(link => link.id === id);
    const fresh: LinkStatus = { id, kind: 'udp', state: 'open', sinceMs: this.clock.wallMs(), where: '', counters: {} };
    const status: LinkStatus = { ...(found?.status() ?? fresh), ...to };
    if (found) found.status = () => status;
    else this.links.push({ id, status: () => status });
  }

  /** Adds a device, or puts the changed one in the place of the one before, as a commit does. */
  setDevice(device: Partial<Device> & { layer2Id: string; appId: string }): void {
    const at = this.devices.findIndex(({ layer2Id, appId }) => layer2Id === device.layer2Id && appId === device.appId);
    const fresh: Device = {
      name: device.layer2Id,
      // Recognisable, so that a test can look for it where it must not be.
      credentialHash: new Uint8Array(32).fill(0xc5),
      originator: 'gateway',
      registered: false,
      ...device,
    };
    if (at < 0) this.devices.push(fresh);
    else this.devices[at] = { ...this.devices[at], ...device };
    this.#commit();
  }

  addMessage(message: Partial<Message> & { appId: string }): number {
    const nowMs = this.clock.wallMs();
    const rowId = this.messages.length + 1;
    this.messages.push({
      rowId,
      direction: 'up',
      kind: 'MSG',
      messageId: `m-${rowId}`,
      originator: 'meter-1',
      state: 'queued',
      body: '{"payload":""}',
      deliveryStatusRequired: false,
      attempts: 0,
      receivedAtMs: nowMs,
      updatedAtMs: nowMs,
      ...message,
    });
    this.#commit();
    return rowId;
  }

  setMessage(rowId: number, to: Partial<Message>): void {
    this.messages[rowId - 1] = { ...this.messages[rowId - 1], updatedAtMs: this.clock.wallMs(), ...to };
    this.#commit();
  }

  addEvent(event: Partial<AuditEvent> & Pick<AuditEvent, 'action'>): void {
    const seq = this.#store.auditSeq + 1;
    const atMs = event.atMs ?? this.clock.wallMs();
    const body = { seq, actor: 'program', object: 'session', result: 'ok', monotonicMs: 0, ...event, atMs };
    this.audit.push({ seq, atMs, body: JSON.stringify(body) });
    this.setStore({ auditSeq: seq });
    this.#commit();
  }

  #commit(): void {
    this.setStore({ commits: this.#store.commits + 1 });
  }

  #newest<T>(rows: readonly T[], limit: number, matches: (row: T) => boolean): T[] {
    if (this.readFailure) throw this.readFailure;
    return rows.filter(matches).reverse().slice(0, limit);
  }
}
