import { elements, type ElementKind, type ElementMap, type ElementName, type Elements } from './elements.ts';
import { isObject, kindOf, malformed, readJson } from './json.ts';
import { Refusal } from './refusal.ts';
import { checkPayload } from './payload.ts';
import type { DeviceRequest, MsgResp, ServerRequest } from './types.ts';

/** Which elements a message has: true when it cannot do without. */
type Shape = Readonly<Partial<Record<ElementName, boolean>>>;

const content: Shape = {
  payloadEnc: false,
  delivStReqInd: false,
  priority: false,
  segInd: false,
  segParams: false,
  stoAndFwInd: false,
  stoAndFwParams: false,
};

/** Table A.2.1.1-1 of TS 24.538 for MSG; §6.3.2.2 for REG and DEREG; Table 8.3.4-1 of TS 23.554 for IMDN. */
const deviceShapes: Readonly<Record<string, Shape>> = {
  REG: { layer2Id: true, appId: true, credential: true },
  DEREG: { layer2Id: true, appId: true },
  MSG: { ...content, appId: false, msgId: false, destAddr: false, payload: true },
  IMDN: { oriAddr: false, destAddr: true, msgId: true, delivSt: true, failureCause: false },
};

/** Table 8.3.2-1 of TS 23.554; `stoAndFwInd` is mandatory there, and an absent one can only mean no. */
const serverShapes: Readonly<Record<string, Shape>> = {
  MSG: { ...content, oriAddr: true, destAddr: true, msgId: true, appId: false, payload: false, latency: false },
  IMDN: { oriAddr: true, destAddr: true, msgId: true, delivSt: true, failureCause: false },
};

/** What a device sent, as one of the messages it may send, or why it is none. */
export function decodeDeviceRequest(octets: Uint8Array, map: ElementMap): DeviceRequest | Refusal {
  return decodeRequest(octets, map, deviceShapes) as DeviceRequest | Refusal;
}

/** What the server sent. */
export function decodeServerRequest(octets: Uint8Array, map: ElementMap): ServerRequest | Refusal {
  return decodeRequest(octets, map, serverShapes) as ServerRequest | Refusal;
}

/** An answer to a message. Refused when it is no JSON object, or an element of it is mistyped. */
export function decodeMsgResp(octets: Uint8Array, map: ElementMap): MsgResp | Refusal {
  const given = readJson(octets, map);
  if (given instanceof Refusal) return given;
  return takeShape(given, {
    oriAddr: false,
    msgId: false,
    status: false,
    failureCause: false,
    result: false,
    cause: false,
  }) as MsgResp | Refusal;
}

/** Result of a registration or de-registration: `result` is true for success in any of its spellings. */
export interface Result {
  readonly result?: boolean;
  readonly ueServiceId?: string;
  readonly cause?: string;
  readonly failureCause?: string;
}

export function decodeResult(octets: Uint8Array, map: ElementMap): Result | Refusal {
  const given = readJson(octets, map);
  if (given instanceof Refusal) return given;
  return takeShape(given, { result: false, ueServiceId: false, cause: false, failureCause: false }) as Result | Refusal;
}

function decodeRequest(
  octets: Uint8Array,
  map: ElementMap,
  shapes: Readonly<Record<string, Shape>>,
): Elements | Refusal {
  const given = readJson(octets, map);
  if (given instanceof Refusal) return given;
  const type = given.msgType;
  if (type === undefined) return malformed('msgType', 'is missing');
  if (typeof type !== 'string') return malformed('msgType', `is ${kindOf(type)}, text is expected`);
  if (!Object.hasOwn(shapes, type))
    return new Refusal('UNSUPPORTED_TYPE', `msgType: ${shown(type)} is not one of ${Object.keys(shapes).join(', ')}`);
  const message = takeShape(given, shapes[type]);
  if (message instanceof Refusal) return message.of(type);
  message.msgType = type;
  return checkPayload(message)?.of(type) ?? message;
}

/** The elements a shape names, checked; what it does not name is left out. */
function takeShape(given: Elements, shape: Shape): Elements | Refusal {
  const taken: Elements = {};
  for (const name in shape) {
    const element = name as ElementName;
    const value = given[element];
    if (value === undefined) {
      if (shape[element]) return malformed(element, 'is missing');
      continue;
    }
    const problem = problemOf(elements[element].kind, value);
    if (problem) return malformed(element, problem);
    const inside = isObject(value) ? problemInside(element, value) : undefined;
    if (inside) return inside;
    taken[element] = elements[element].kind === 'result' ? isSuccessWord(value) : value;
  }
  return taken;
}

/** Elements within an element: both parts of an address, any part of parameters. */
function problemInside(outer: ElementName, value: Elements): Refusal | undefined {
  for (const name in value) {
    const element = name as ElementName;
    const problem = problemOf(elements[element].kind, value[element]);
    if (problem) return malformed(outer, `${element} ${problem}`);
  }
  if (elements[outer].kind !== 'address') return undefined;
  if (value.addrType === undefined) return malformed(outer, 'addrType is missing');
  return value.addr === undefined ? malformed(outer, 'addr is missing') : undefined;
}

type Check = (value: unknown) => string | undefined;

const checks: Readonly<Record<ElementKind, Check>> = {
  text: value => (typeof value === 'string' ? undefined : `is ${kindOf(value)}, text is expected`),
  id: value => (typeof value === 'string' ? problemOfId(value) : `is ${kindOf(value)}, text is expected`),
  word: value => (typeof value === 'string' ? problemOfId(value) : `is ${kindOf(value)}, text is expected`),
  boolean: value => (typeof value === 'boolean' ? undefined : `is ${kindOf(value)}, true or false is expected`),
  integer: value => (Number.isSafeInteger(value) ? undefined : `is ${kindOf(value)}, an integer is expected`),
  address: value => (isObject(value) ? undefined : `is ${kindOf(value)}, an object with addrType and addr is expected`),
  object: value => (isObject(value) ? undefined : `is ${kindOf(value)}, an object is expected`),
  dateTime: value =>
    isDateTime(value) ? undefined : `is ${kindOf(value)}, a date-time such as 2026-11-21T02:00:00Z is expected`,
  result: value => (isResult(value) ? undefined : `is ${kindOf(value)}, true, false, success or failure is expected`),
};

function problemOf(kind: ElementKind, value: unknown): string | undefined {
  return checks[kind](value);
}

/** A UE Service ID is 1 to 255 octets of UTF-8 (profile); the other identifiers are held to the same. */
const maxIdOctets = 255;

function problemOfId(text: string): string | undefined {
  if (text.length === 0) return 'is empty';
  // One UTF-16 unit is at most 3 octets of UTF-8: most identifiers need no count.
  if (text.length * 3 > maxIdOctets && Buffer.byteLength(text) > maxIdOctets)
    return `is ${Buffer.byteLength(text)} octets long, ${maxIdOctets} are allowed`;
  return isTidy(text) ? undefined : 'holds a control character or half a surrogate pair';
}

/** Identifiers become database keys and log lines: nothing that UTF-8 or a terminal would change. */
function isTidy(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 || unit === 0x7f) return false;
    if (unit >= 0xd800) return text.isWellFormed();
  }
  return true;
}

// RFC 3339 §5.6
const dateTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i;

function isDateTime(value: unknown): boolean {
  return typeof value === 'string' && value.length <= 40 && dateTime.test(value) && !Number.isNaN(Date.parse(value));
}

/** The specification's words are success and failure; ours, the profile's, are true and false. */
function isSuccessWord(value: unknown): boolean {
  return value === true || (typeof value === 'string' && value.toLowerCase() === 'success');
}

function isResult(value: unknown): boolean {
  return typeof value === 'boolean' || (typeof value === 'string' && /^(success|failure)$/i.test(value));
}

/** A peer's word in a sentence of ours: short, and plain ASCII. */
function shown(text: string): string {
  return JSON.stringify(text.slice(0, 32)).replace(/[^\x20-\x7e]/g, '?');
}
