import { utf8 } from '../gateway/base/bytes.ts';
import { jsonObject, type CoapAnswer, type CoapRequest } from './coap-peer.ts';
import type { Address, Ledger, Message, Report } from './ledger.ts';

/** Who is at the other end of a session. */
export interface Caller {
  /** What the configuration associates with the SUPI that came with K_AF. */
  readonly ueServiceIds: readonly string[];
  /** Called when it has registered, before it is told. */
  readonly onRegistered: () => void;
}

type Body = Record<string, unknown>;
type Procedure = (body: Body, caller: Caller, ledger: Ledger) => Promise<CoapAnswer>;

/** Message types of MSGin5G-1. TS 24.538 §7.1 */
const procedures: Record<string, Procedure> = { REG: register, DEREG: deregister, MSG: takeMessage, IMDN: takeReport };

/** Answers one request on MSGin5G-1 by the project profile: CoAP POST /msgin5g, JSON. */
export async function answerRequest(request: CoapRequest, caller: Caller, ledger: Ledger): Promise<CoapAnswer> {
  if (request.path !== '/msgin5g') return { code: '4.04' };
  if (request.method !== 'POST') return { code: '4.05' };
  if (request.contentFormat !== 'application/json') return { code: '4.15' };
  const body = jsonObject(request.payload);
  if (!body || typeof body.msgType !== 'string') return refusal('4.00', 'MALFORMED');
  if (!Object.hasOwn(procedures, body.msgType)) return refusal('4.00', 'UNSUPPORTED_TYPE');
  return procedures[body.msgType](body, caller, ledger);
}

/** Registration, with the check of the UE Service ID against the SUPI. TS 24.538 §6.3.1, TS 33.501 §Y.2 */
async function register(body: Body, caller: Caller, ledger: Ledger): Promise<CoapAnswer> {
  const ueServiceId = serviceIdOf(body);
  if (!ueServiceId) return refusal('4.00', 'MALFORMED');
  if (!caller.ueServiceIds.includes(ueServiceId)) return refusal('4.03', 'ID_MISMATCH', { ueServiceId });
  const isNew = await ledger.register(ueServiceId);
  caller.onRegistered();
  return { code: isNew ? '2.01' : '2.04', body: { ueServiceId, result: true } };
}

async function deregister(body: Body, caller: Caller, ledger: Ledger): Promise<CoapAnswer> {
  const ueServiceId = serviceIdOf(body);
  if (!ueServiceId) return refusal('4.00', 'MALFORMED');
  if (!caller.ueServiceIds.includes(ueServiceId)) return refusal('4.03', 'ID_MISMATCH', { ueServiceId });
  if (!ledger.registered.has(ueServiceId)) return refusal('4.04', 'NOT_REGISTERED', { ueServiceId });
  await ledger.deregister(ueServiceId);
  return { code: '2.04', body: { ueServiceId, result: true } };
}

/** A message from the UE; the answer waits until it is on disk. TS 23.554 Table 8.3.2-1, TS 29.538 */
async function takeMessage(body: Body, caller: Caller, ledger: Ledger): Promise<CoapAnswer> {
  const message = messageOf(body);
  if (!message) return refusal('4.00', 'MALFORMED');
  const { oriAddr, msgId } = message;
  const refused = senderRefusal(oriAddr, caller, ledger);
  if (refused) {
    const { code, cause } = refused;
    return { code, body: { msgType: 'MSGRESP', oriAddr, msgId, status: 'DELY_FAILED', failureCause: cause } };
  }
  await ledger.recordMessage(message);
  return { code: '2.04', body: { msgType: 'MSGRESP', oriAddr, msgId } };
}

/** A delivery status report for a message of the server's. TS 23.554 Table 8.3.4-1 */
async function takeReport(body: Body, caller: Caller, ledger: Ledger): Promise<CoapAnswer> {
  const report = reportOf(body);
  if (!report) return refusal('4.00', 'MALFORMED');
  const refused = senderRefusal(report.oriAddr, caller, ledger);
  if (refused) return refusal(refused.code, refused.cause);
  await ledger.recordReport(report);
  return { code: '2.04' };
}

function senderRefusal({ addr }: Address, caller: Caller, ledger: Ledger): { code: string; cause: string } | undefined {
  if (!caller.ueServiceIds.includes(addr)) return { code: '4.03', cause: 'ID_MISMATCH' };
  if (!ledger.registered.has(addr)) return { code: '4.04', cause: 'NOT_REGISTERED' };
  return undefined;
}

function refusal(code: string, cause: string, more: object = {}): CoapAnswer {
  return { code, body: { ...more, result: false, cause } };
}

function serviceIdOf({ serviceId, ueServiceId }: Body): string | undefined {
  if (serviceId !== 'msgin5g' || typeof ueServiceId !== 'string') return undefined;
  const lengthBytes = utf8(ueServiceId).length;
  return lengthBytes >= 1 && lengthBytes <= 255 ? ueServiceId : undefined;
}

function messageOf(body: Body): Message | undefined {
  const { msgId, oriAddr, destAddr, stoAndFwInd, appId, payload, payloadEnc, delivStReqInd } = body;
  const hasMandatory = isText(msgId) && isAddress(oriAddr) && isAddress(destAddr) && typeof stoAndFwInd === 'boolean';
  const hasGoodOptions = [appId, payload, payloadEnc].every(value => value === undefined || typeof value === 'string');
  if (!hasMandatory || !hasGoodOptions || !(delivStReqInd === undefined || typeof delivStReqInd === 'boolean'))
    return undefined;
  return { msgId, oriAddr, destAddr, appId, payload, payloadEnc, delivStReqInd } as Message;
}

function reportOf({ msgId, oriAddr, destAddr, delivSt, failureCause }: Body): Report | undefined {
  if (!isText(msgId) || !isAddress(oriAddr) || !isAddress(destAddr) || !isText(delivSt)) return undefined;
  return { msgId, oriAddr, delivSt, ...(isText(failureCause) ? { failureCause } : {}) };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0;
}

/** Unknown address types are taken: the enumerations of TS 29.538 are open. */
function isAddress(value: unknown): value is Address {
  const { addrType, addr } = (value ?? {}) as Partial<Address>;
  return isText(addrType) && isText(addr);
}
