import { randomBytes } from 'node:crypto';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { utf8 } from '../gateway/base/bytes.ts';
import type { Clock } from '../gateway/base/clock.ts';
import { codeOf, messageOf } from '../gateway/base/errors.ts';
import type { Log } from '../gateway/base/log.ts';
import type { Dtls, DtlsFacts, DtlsListener, DtlsServerOptions, DtlsSession } from '../native/types.ts';
import { DtlsAssociation, clientHello } from './dtls-association.ts';

/** The far end of an open session. */
export interface DtlsPeer {
  /** `address:port` */
  readonly id: string;
  readonly facts: DtlsFacts;
  send(plaintext: Uint8Array): void;
  /** Says close_notify and ends the session. */
  close(): void;
}

export interface DtlsServerHandlers {
  opened(peer: DtlsPeer): void;
  received(peer: DtlsPeer, plaintext: Uint8Array): void;
  closed(peer: DtlsPeer): void;
}

export interface DtlsServerSetup {
  readonly engine: Dtls;
  readonly clock: Clock;
  readonly log: Log;
  readonly options: Omit<DtlsServerOptions, 'cookieSecret'>;
  readonly handlers: DtlsServerHandlers;
}

/** DTLS over one UDP socket: the engine's listener for strangers, an association for each address that came through its cookie. */
export class DtlsServer {
  /** Loses every datagram in silence, in both directions, as a server that is away does. */
  away = false;
  readonly #setup: DtlsServerSetup;
  readonly #associations = new Map<string, DtlsAssociation>();
  #listener: DtlsListener;
  #socket: Socket | undefined;

  constructor(setup: DtlsServerSetup) {
    this.#setup = setup;
    this.#listener = this.#newListener();
  }

  /** @returns the port, when `port` is 0 the one that the system chose */
  async start(host: string, port: number): Promise<number> {
    const socket = createSocket('udp4');
    socket.on('message', (datagram, from) => this.#receive(datagram, from));
    socket.bind(port, host);
    await once(socket, 'listening');
    socket.on('error', error => this.#setup.log.warn('the UDP socket reports an error', { reason: error.message }));
    this.#socket = socket;
    return socket.address().port;
  }

  stop(): void {
    for (const association of this.#associations.values()) association.close();
    this.#associations.clear();
    this.#socket?.close();
    this.#socket = undefined;
  }

  /** Loses all sessions, and what they could be resumed from, without a word to the peers: as a restart does. */
  forgetSessions(): void {
    const associations = [...this.#associations.values()];
    this.#associations.clear();
    this.#listener = this.#newListener();
    for (const association of associations) association.abandon();
  }

  #newListener(): DtlsListener {
    return this.#setup.engine.createListener({ ...this.#setup.options, cookieSecret: randomBytes(32) });
  }

  #receive(datagram: Uint8Array, from: RemoteInfo): void {
    if (this.away) return;
    const id = `${from.address}:${from.port}`;
    const association = this.#associations.get(id);
    const hello = clientHello(datagram);
    const isForListener = !association || (hello && (hello.isFirst || !association.isHandshaking));
    if (isForListener) this.#listen(id, datagram, from);
    else association.receive(datagram);
  }

  #listen(id: string, datagram: Uint8Array, from: RemoteInfo): void {
    try {
      const { reply, session } = this.#listener.receive(datagram, utf8(id));
      for (const octets of reply) this.#send(octets, from);
      if (session) this.#associate(id, session, from);
    } catch (error) {
      this.#setup.log.info('a datagram from a stranger was refused', {
        peer: id,
        code: codeOf(error),
        reason: messageOf(error),
      });
    }
  }

  #associate(id: string, session: DtlsSession, from: RemoteInfo): void {
    let association = this.#associations.get(id);
    if (!association) {
      const { clock, log, handlers } = this.#setup;
      const gone = (): void => {
        if (this.#associations.get(id) === association) this.#associations.delete(id);
      };
      association = new DtlsAssociation({ id, clock, log, handlers, gone, send: octets => this.#send(octets, from) });
      this.#associations.set(id, association);
    }
    association.adopt(session);
  }

  #send(datagram: Uint8Array, to: RemoteInfo): void {
    if (!this.away) this.#socket?.send(datagram, to.port, to.address);
  }
}
