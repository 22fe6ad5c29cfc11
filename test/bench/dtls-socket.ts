import type { Socket } from 'node:dgram';
import { EventEmitter } from 'node:events';
import { randomBytes } from 'node:crypto';
import { dtls } from '../../native/index.ts';
import type { DtlsListener, DtlsSession } from '../../native/types.ts';

export interface Security {
  readonly suite: number;
  readonly key: Uint8Array;
  readonly identity: string;
}

type Sent = (error: Error | null, bytes?: number) => void;
const mtuBytes = 1_280;
const initialTimeoutMs = 1_000;

/** What node-coap takes for a UDP socket, over the addon: the least that a bench on loopback needs. One session. */
export class DtlsClientSocket extends EventEmitter {
  readonly type = 'udp4';
  readonly #udp: Socket;
  readonly #port: number;
  readonly #session: DtlsSession;

  constructor(udp: Socket, port: number, { suite, key, identity }: Security) {
    super();
    this.#udp = udp;
    this.#port = port;
    const psk = () => ({ identity, key: Uint8Array.from(key) });
    this.#session = dtls.createClient({ suites: [suite], mtuBytes, initialTimeoutMs, psk });
    udp.on('message', (datagram, from) => {
      for (const plaintext of this.#session.receive(datagram)) this.emit('message', Buffer.from(plaintext), from);
      this.#flush();
      if (this.#session.state === 'open') this.emit('connected');
    });
  }

  /** Resolves to the suite that was agreed on, `c0a8`. */
  async connected(): Promise<string> {
    const open = new Promise<void>(resolve => this.once('connected', resolve));
    this.#session.start();
    this.#flush();
    await open;
    return this.#session.facts().suite.toString(16);
  }

  send(octets: Uint8Array, _offset: number, _length: number, _port: number, _address: string, sent?: Sent): void {
    this.#udp.send(this.#session.send(octets), this.#port, '127.0.0.1', sent);
  }

  address(): unknown {
    return this.#udp.address();
  }

  #flush(): void {
    for (const datagram of this.#session.takeDatagrams()) this.#udp.send(datagram, this.#port, '127.0.0.1');
  }
}

/** The same for a server with a session for each peer's port. */
export class DtlsServerSocket extends EventEmitter {
  readonly type = 'udp4';
  readonly #udp: Socket;
  readonly #listener: DtlsListener;
  readonly #sessions = new Map<number, DtlsSession>();

  constructor(udp: Socket, { suite, key }: Security) {
    super();
    this.#udp = udp;
    this.#listener = dtls.createListener({
      suites: [suite],
      identityHint: 'bench',
      mtuBytes,
      initialTimeoutMs,
      cookieSecret: randomBytes(32),
      psk: () => Uint8Array.from(key),
      resumptionLifetimeSeconds: 0,
    });
    udp.on('message', (datagram, from) => {
      const session = this.#sessions.get(from.port) ?? this.#greet(datagram, from.port);
      if (!session) return;
      for (const plaintext of session.receive(datagram)) this.emit('message', Buffer.from(plaintext), from);
      for (const reply of session.takeDatagrams()) udp.send(reply, from.port, '127.0.0.1');
    });
  }

  send(octets: Uint8Array, _offset: number, _length: number, port: number, _address: string, sent?: Sent): void {
    const session = this.#sessions.get(port);
    if (session) this.#udp.send(session.send(octets), port, '127.0.0.1', sent);
  }

  address(): unknown {
    return this.#udp.address();
  }

  /** Hears a peer without a session, and keeps the session when its cookie was good; the datagram is taken in by then. */
  #greet(datagram: Uint8Array, port: number): undefined {
    const { reply, session } = this.#listener.receive(datagram, Uint8Array.of(port >>> 8, port & 0xff));
    for (const octets of reply) this.#udp.send(octets, port, '127.0.0.1');
    if (!session) return;
    this.#sessions.set(port, session);
    for (const octets of session.takeDatagrams()) this.#udp.send(octets, port, '127.0.0.1');
  }
}
