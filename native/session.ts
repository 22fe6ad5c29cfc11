import { addon, type Handle, type Owner } from './addon.ts';
import { DtlsError } from './dtls-error.ts';
import { octetsOf } from './octets.ts';
import { lastError, sentences, states } from './status.ts';
import type { DtlsFacts, DtlsSession } from './types.ts';

const noRoom = new Uint8Array(0);
export const nothing: readonly Uint8Array[] = Object.freeze([]);

export class Session implements DtlsSession {
  readonly #addon = addon();
  readonly #handle: Handle;
  readonly #owner: Owner;
  #state = 0;
  #pending = 0;
  #dropped = 0;
  /** Octets that a record adds: what is to be allocated is known beforehand. */
  #overhead = 0;

  /** @param born of a listener: the last call's words are this session's first */
  constructor(handle: Handle, owner: Owner, born = false) {
    this.#handle = handle;
    this.#owner = owner;
    if (born) [, this.#state, this.#pending] = this.#addon.status;
  }

  get state(): 'handshaking' | 'open' | 'closed' {
    return states[this.#state];
  }

  start(): void {
    this.#addon.start(this.#handle, this.#owner);
    this.#learn();
  }

  receive(datagram: Uint8Array): readonly Uint8Array[] {
    const size = datagram.length - this.#overhead;
    const room = size > 0 ? octetsOf(size) : noRoom;
    const others = this.#addon.receive(this.#handle, datagram, room, this.#owner);
    this.#learn();
    const written = this.#written();
    if (written < 0) return others ?? nothing;
    const first = written === size ? room : room.subarray(0, written);
    return others ? [first, ...others] : [first];
  }

  send(plaintext: Uint8Array): Uint8Array {
    const room = octetsOf(plaintext.length + this.#overhead);
    const datagram = this.#addon.send(this.#handle, plaintext, room);
    this.#learn();
    const written = this.#written();
    if (written === room.length) return room;
    if (datagram === undefined && written < 0) throw new DtlsError('dtls.memory', sentences['dtls.memory']);
    return datagram ?? room.subarray(0, written);
  }

  takeDatagrams(): readonly Uint8Array[] {
    if (this.#pending === 0) return nothing;
    this.#pending = 0;
    return this.#addon.take(this.#handle);
  }

  deadlineMs(): number | undefined {
    const deadlineMs = this.#state === 0 ? this.#addon.deadlineMs(this.#handle) : -1;
    return deadlineMs < 0 ? undefined : deadlineMs;
  }

  handleTimeout(): void {
    this.#addon.handleTimeout(this.#handle, this.#owner);
    this.#learn();
  }

  facts(): DtlsFacts {
    const facts = this.#addon.facts(this.#handle);
    if (!facts) throw new DtlsError('dtls.closed', 'there are no facts before the handshake is done');
    const [suite, resumed, extendedMasterSecret, identity, identityHint, serverName, expiresAtMs] = facts;
    return {
      suite,
      resumed,
      extendedMasterSecret,
      identity,
      ...(identityHint === undefined ? {} : { identityHint }),
      ...(serverName === undefined ? {} : { serverName }),
      ...(expiresAtMs === 0 ? {} : { expiresAtMs }),
    };
  }

  exportSession(): Uint8Array | undefined {
    return this.#addon.exportSession(this.#handle);
  }

  dropped(): number {
    return this.#dropped;
  }

  close(): void {
    this.#addon.close(this.#handle);
    this.#learn();
  }

  #written(): number {
    return this.#addon.status[7];
  }

  /** Takes over what the last call left, and throws what it met. */
  #learn(): void {
    const { status } = this.#addon;
    this.#state = status[1];
    this.#pending = status[2];
    this.#dropped = status[5] >>> 0;
    this.#overhead = status[6];
    if (status[0] !== 0) throw lastError(this.#addon, this.#handle, this.#owner);
  }
}
