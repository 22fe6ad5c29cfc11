import { jsonObject, type CoapAnswer, type CoapRequest } from './coap-peer.ts';

interface Received {
  readonly msgId: string;
  readonly payload: unknown;
  readonly oriAddr: unknown;
}

interface ReceivedReport {
  readonly msgId: string;
  readonly delivSt: unknown;
  readonly failureCause?: unknown;
}

/** What reaches a device on its own /msgin5g: messages, each message ID once, and delivery status reports. */
export class DeviceInbox {
  readonly #received = new Map<string, Received>();
  readonly #reports = new Map<string, ReceivedReport>();
  #duplicates = 0;

  async serve(request: CoapRequest): Promise<CoapAnswer> {
    if (request.path !== '/msgin5g') return { code: '4.04' };
    if (request.method !== 'POST') return { code: '4.05' };
    if (request.contentFormat !== 'application/json') return { code: '4.15' };
    const body = jsonObject(request.payload);
    if (!body || typeof body.msgId !== 'string') return { code: '4.00', body: { result: false, cause: 'MALFORMED' } };
    const { msgType, msgId } = body;
    if (msgType === 'MSG') {
      this.#once(this.#received, msgId, { msgId, payload: body.payload, oriAddr: body.oriAddr });
      return { code: '2.04', body: { msgType: 'MSGRESP', msgId } };
    }
    if (msgType === 'IMDN') {
      const { delivSt, failureCause } = body;
      this.#once(this.#reports, msgId, { msgId, delivSt, ...(failureCause === undefined ? {} : { failureCause }) });
      return { code: '2.04' };
    }
    return { code: '4.00', body: { result: false, cause: 'UNSUPPORTED_TYPE' } };
  }

  view(): { received: Received[]; reports: ReceivedReport[]; duplicates: number } {
    return {
      received: [...this.#received.values()],
      reports: [...this.#reports.values()],
      duplicates: this.#duplicates,
    };
  }

  #once<T>(known: Map<string, T>, msgId: string, item: T): void {
    if (known.has(msgId)) this.#duplicates++;
    else known.set(msgId, item);
  }
}
