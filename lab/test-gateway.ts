import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { systemClock, type Cancel } from '../gateway/base/clock.ts';
import { GatewayError } from '../gateway/base/errors.ts';
import { dtls } from '../native/index.ts';
import type { DtlsClientOptions, DtlsFacts, DtlsSession } from '../native/types.ts';
import { deriveKAf, afIdOf, uaStarIdOf } from './akma.ts';
import { CoapPeer, type CoapAnswer, type CoapRequest } from './coap-peer.ts';

/** A message of the UE to the application server, and both addresses. */
export const ue = { addrType: 'UE', addr: 'ue-gateway-1@example.com' };
export const as = { addrType: 'AS', addr: 'as-1@example.com' };
export const reading = {
  msgType: 'MSG',
  oriAddr: ue,
  destAddr: as,
  msgId: 'm1',
  stoAndFwInd: false,
  appId: 'meter',
  payload: '21.5',
};

export interface TestGatewaySetup {
  readonly port: number;
  readonly kAkma: Uint8Array;
  /** The PSK identity as a whole. */
  readonly identity: string;
  /** 0 lets the system choose. */
  readonly localPort?: number;
  readonly suites?: readonly number[];
  readonly resume?: Uint8Array;
  readonly serve?: (body: Record<string, unknown>) => Promise<CoapAnswer>;
}

/** The other end of MSGin5G-1 for the tests of the lab: one DTLS session over one UDP socket, nothing kept. */
export class TestGateway {
  readonly hints: (string | undefined)[] = [];
  readonly served: Record<string, unknown>[] = [];
  readonly coap: CoapPeer;
  readonly #setup: TestGatewaySetup;
  readonly #socket: Socket = createSocket('udp4');
  readonly #session: DtlsSession;
  #cancelTimer: Cancel = () => {};
  #isGone = false;
  #settled: { resolve: (facts: DtlsFacts) => void; reject: (error: unknown) => void } | undefined;

  constructor(setup: TestGatewaySetup) {
    this.#setup = setup;
    this.#session = dtls.createClient(this.#options());
    this.coap = new CoapPeer({
      clock: systemClock,
      send: octets => this.#drive(() => this.#socket.send(this.#session.send(octets))),
      serve: request => this.#serve(request),
    });
  }

  /** Resolves when the session is open; rejects with what ended the handshake. */
  async connect(): Promise<DtlsFacts> {
    this.#socket.on('message', datagram => this.#receive(datagram));
    this.#socket.on('error', () => {});
    this.#socket.bind(this.#setup.localPort ?? 0, '127.0.0.1');
    await once(this.#socket, 'listening');
    this.#socket.connect(this.#setup.port, '127.0.0.1');
    await once(this.#socket, 'connect');
    return new Promise((resolve, reject) => {
      this.#settled = { resolve, reject };
      this.#drive(() => this.#session.start());
    });
  }

  post(body: object, timeoutMs = 10_000): Promise<CoapAnswer> {
    return this.coap.post('/msgin5g', body, timeoutMs);
  }

  register(ueServiceId = 'ue-gateway-1@example.com'): Promise<CoapAnswer> {
    return this.post({ msgType: 'REG', serviceId: 'msgin5g', ueServiceId });
  }

  get localPort(): number {
    return this.#socket.address().port;
  }

  get isOpen(): boolean {
    return this.#session.state === 'open';
  }

  exportSession(): Uint8Array | undefined {
    return this.#session.exportSession();
  }

  /** Ends without close_notify, as a crash does. */
  vanish(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#cancelTimer();
    this.coap.close(new GatewayError('lab.session-lost', 'the test ended it'));
    this.#socket.removeAllListeners('message');
    this.#socket.close();
  }

  #options(): DtlsClientOptions {
    const { kAkma, identity, suites = [0xccac, 0xc0a8, 0x00a8], resume } = this.#setup;
    return {
      suites,
      serverName: 'msgin5g.example.com',
      mtuBytes: 1_280,
      initialTimeoutMs: 1_000,
      resume,
      psk: (suite, hint) => {
        this.hints.push(hint);
        return { identity, key: deriveKAf(kAkma, afIdOf('msgin5g.example.com', uaStarIdOf(suite))) };
      },
    };
  }

  #receive(datagram: Uint8Array): void {
    this.#drive(() => {
      const plaintexts = this.#session.receive(datagram);
      for (const plaintext of plaintexts) this.coap.receive(plaintext);
    });
  }

  #drive(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#settled?.reject(error);
    }
    for (const datagram of this.#session.takeDatagrams()) if (!this.#isGone) this.#socket.send(datagram);
    this.#cancelTimer();
    if (this.#session.state === 'open') this.#settled?.resolve(this.#session.facts());
    const deadlineMs = this.#session.deadlineMs();
    if (deadlineMs === undefined) return;
    this.#cancelTimer = systemClock.after(deadlineMs, () => this.#drive(() => this.#session.handleTimeout()));
  }

  async #serve(request: CoapRequest): Promise<CoapAnswer> {
    const body = JSON.parse(Buffer.from(request.payload).toString()) as Record<string, unknown>;
    this.served.push(body);
    if (this.#setup.serve) return this.#setup.serve(body);
    return { code: '2.04', body: { msgType: 'MSGRESP', msgId: body.msgId } };
  }
}
