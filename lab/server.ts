import type { Clock } from '../gateway/base/clock.ts';
import { GatewayError, codeOf, messageOf } from '../gateway/base/errors.ts';
import type { Log } from '../gateway/base/log.ts';
import type { Dtls } from '../native/types.ts';
import type { Aanf } from './aanf.ts';
import { afIdOf, uaStarIdOf } from './akma.ts';
import { applicationServer } from './application-server.ts';
import { CoapPeer, type CoapAnswer, type CoapRequest } from './coap-peer.ts';
import type { Subscriber } from './core.ts';
import { DtlsServer, type DtlsPeer } from './dtls-server.ts';
import type { Ledger } from './ledger.ts';
import { answerRequest } from './procedures.ts';
import { ReportSender } from './report-sender.ts';

export interface ServerSetup {
  readonly engine: Dtls;
  readonly aanf: Aanf;
  readonly ledger: Ledger;
  readonly subscribers: readonly Subscriber[];
  /** The name that K_AF is bound to. */
  readonly fqdn: string;
  readonly clock: Clock;
  readonly log: Log;
}

export interface OutgoingText {
  readonly appId: string;
  readonly payload: string;
  readonly delivStReqInd?: boolean;
  readonly msgId: string;
}

interface Session {
  readonly subscriber: Subscriber;
  readonly coap: CoapPeer;
  readonly stopExpiry: () => void;
}

/** TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256, TLS_PSK_WITH_AES_128_CCM_8, TLS_PSK_WITH_AES_128_GCM_SHA256. */
const suites = [0xccac, 0xc0a8, 0x00a8];

/** Hint and prefix of the identity. TS 24.109 §K.3.2 */
const akmaPrefix = '3GPP-AKMA';

/** The longest that a timer of the system waits. A session that lives so long may handshake anew. */
const maxTimerMs = 2_147_483_647;

/** The MSGin5G Server, as an AKMA Application Function: DTLS-PSK with K_AF, CoAP in both directions on each session. */
export class MsgServer {
  readonly #setup: ServerSetup;
  readonly #dtls: DtlsServer;
  /** In order of opening. */
  readonly #sessions = new Map<DtlsPeer, Session>();
  #refusesPsk = false;
  readonly #reports: ReportSender;

  constructor(setup: ServerSetup) {
    this.#setup = setup;
    this.#reports = new ReportSender(setup, ueServiceId => this.#sessionOf(ueServiceId)?.coap);
    this.#dtls = new DtlsServer({
      engine: setup.engine,
      clock: setup.clock,
      log: setup.log,
      options: {
        suites,
        identityHint: akmaPrefix,
        // node-coap makes messages of up to 1280 octets; the record adds at most 37.
        mtuBytes: 1_400,
        initialTimeoutMs: 1_000,
        resumptionLifetimeSeconds: 3_600,
        psk: (identity, suite) => this.#keyOf(identity, suite),
        mayResume: identity => !this.#refusesPsk && this.#setup.aanf.subscriberOf(aKidIn(identity)) !== undefined,
      },
      handlers: {
        opened: peer => this.#opened(peer),
        received: (peer, plaintext) => this.#sessions.get(peer)?.coap.receive(plaintext),
        closed: peer => this.#closed(peer),
      },
    });
  }

  start(host: string, port: number): Promise<number> {
    return this.#dtls.start(host, port);
  }

  stop(): void {
    this.#reports.stop();
    this.#dtls.stop();
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  setAway(away: boolean): void {
    this.#dtls.away = away;
  }

  forgetSessions(): void {
    this.#dtls.forgetSessions();
  }

  /** Refuses every PSK identity as unknown, and resumes nothing. Open sessions stay. */
  refusePsk(refuses: boolean): void {
    this.#refusesPsk = refuses;
  }

  /** Sends a message to the gateway for the device with this Application ID, on the newest session of a registered UE. */
  async send({ appId, payload, delivStReqInd, msgId }: OutgoingText, timeoutMs?: number): Promise<CoapAnswer> {
    const [ueServiceId] = this.#setup.ledger.registered;
    const session = ueServiceId === undefined ? undefined : this.#sessionOf(ueServiceId);
    if (!session)
      throw new GatewayError('lab.not-registered', 'no registered UE has a session with the server', {
        hint: 'wait until GET /server lists one',
      });
    const destAddr = { addrType: 'UE', addr: ueServiceId };
    const optional = delivStReqInd === undefined ? {} : { delivStReqInd };
    const body = {
      msgType: 'MSG',
      oriAddr: applicationServer,
      destAddr,
      appId,
      msgId,
      stoAndFwInd: false,
      ...optional,
      payload,
    };
    return session.coap.post('/msgin5g', body, timeoutMs);
  }

  #keyOf(identity: string, suite: number): Uint8Array | undefined {
    if (this.#refusesPsk) return undefined;
    return this.#setup.aanf.applicationKey(aKidIn(identity), afIdOf(this.#setup.fqdn, uaStarIdOf(suite)))?.kAf.reveal();
  }

  #opened(peer: DtlsPeer): void {
    const { aanf, clock, subscribers, log } = this.#setup;
    const known = aanf.subscriberOf(aKidIn(peer.facts.identity));
    const subscriber = subscribers.find(({ supi }) => supi === known?.supi);
    if (!known || !subscriber) {
      log.info('a session without a valid key was closed', { peer: peer.id });
      peer.close();
      return;
    }
    const coap = new CoapPeer({
      clock,
      send: octets => peer.send(octets),
      serve: request => this.#serve(request, peer),
    });
    const stopExpiry = clock.after(Math.min(known.expiresAtMs - clock.wallMs(), maxTimerMs), () => peer.close());
    this.#sessions.set(peer, { subscriber, coap, stopExpiry });
    log.info('session open', { peer: peer.id, suite: peer.facts.suite.toString(16), resumed: peer.facts.resumed });
    this.#reports.kick();
  }

  #closed(peer: DtlsPeer): void {
    const session = this.#sessions.get(peer);
    this.#sessions.delete(peer);
    session?.stopExpiry();
    session?.coap.close(new GatewayError('lab.session-lost', `the session with ${peer.id} is gone`));
  }

  async #serve(request: CoapRequest, peer: DtlsPeer): Promise<CoapAnswer> {
    const { ledger, log } = this.#setup;
    const subscriber = this.#sessions.get(peer)?.subscriber;
    const caller = { ueServiceIds: subscriber?.ueServiceIds ?? [], onRegistered: () => this.#supersede(peer) };
    try {
      return await answerRequest(request, caller, ledger);
    } catch (error) {
      log.error('a request could not be answered', { code: codeOf(error), reason: messageOf(error) });
      return { code: '5.00', body: { result: false, cause: 'INTERNAL' } };
    } finally {
      this.#reports.kick();
    }
  }

  /** A UE that registers on a new session has lost its old ones: what was on its way there need not wait for its timeout. */
  #supersede(newest: DtlsPeer): void {
    const subscriber = this.#sessions.get(newest)?.subscriber;
    for (const [peer, session] of [...this.#sessions]) {
      if (peer !== newest && session.subscriber === subscriber) peer.close();
    }
  }

  /** The newest session of the subscriber that this UE Service ID belongs to. */
  #sessionOf(ueServiceId: string): Session | undefined {
    const sessions = [...this.#sessions.values()];
    return sessions.findLast(({ subscriber }) => subscriber.ueServiceIds.includes(ueServiceId));
  }
}

/**
 * The A-KID in a PSK identity: the prefix, then nothing or one separator, ";" or "." (the specifications name none), then
 * the A-KID octet for octet. Empty when the identity is not one of AKMA.
 */
export function aKidIn(identity: string): string {
  return identity.startsWith(akmaPrefix) ? identity.slice(akmaPrefix.length).replace(/^[;.]/, '') : '';
}
