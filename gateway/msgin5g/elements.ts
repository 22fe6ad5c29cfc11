import { GatewayError } from '../base/errors.ts';

/** What an element's value has to be. `id`: 1 to 255 octets of text without control characters. `word`: an enumeration that may grow. */
export type ElementKind = 'text' | 'id' | 'word' | 'boolean' | 'integer' | 'address' | 'object' | 'dateTime' | 'result';

interface ElementEntry {
  /** What the specifications call it; the first is the usual one. */
  readonly spec: readonly string[];
  readonly kind: ElementKind;
}

/**
 * The one table of element names: our JSON name, the specification's names, the kind of value. The property names of TS
 * 24.538 clause 7.3 could not be read, so the vocabulary is TS 29.538's where it has a word, else the project profile's.
 * What another server calls them is configuration (`ElementOverrides`), never code.
 */
export const elements = {
  msgType: { spec: ['Message Type'], kind: 'word' },
  serviceId: { spec: ['MSGin5G service identifier', 'Service identifier'], kind: 'id' },
  ueServiceId: { spec: ['UE Service ID'], kind: 'id' },
  layer2Id: { spec: ['Layer-2 ID'], kind: 'id' },
  appId: { spec: ['Application ID'], kind: 'id' },
  credential: { spec: ['Credential information', 'UE Credential Information'], kind: 'text' },
  oriAddr: { spec: ['Originating UE Service ID', 'Originating ID'], kind: 'address' },
  destAddr: { spec: ['Recipient UE Service ID', 'Target address'], kind: 'address' },
  addrType: { spec: ['Address type', 'Target Type'], kind: 'word' },
  addr: { spec: ['Address'], kind: 'id' },
  msgId: { spec: ['Message ID'], kind: 'id' },
  delivStReqInd: { spec: ['Delivery status required'], kind: 'boolean' },
  payload: { spec: ['Payload'], kind: 'text' },
  payloadEnc: { spec: ['Payload encoding'], kind: 'word' },
  priority: { spec: ['Priority type'], kind: 'word' },
  segInd: { spec: ['Message is segmented'], kind: 'boolean' },
  segParams: { spec: ['Segmentation parameters'], kind: 'object' },
  segId: { spec: ['Segmentation set identifier'], kind: 'id' },
  totalSegCount: { spec: ['Total number of message segments'], kind: 'integer' },
  segNumb: { spec: ['Message segment number'], kind: 'integer' },
  lastSegFlag: { spec: ['Last segment flag'], kind: 'boolean' },
  stoAndFwInd: { spec: ['Store and forward flag'], kind: 'boolean' },
  stoAndFwParams: { spec: ['Store and forward parameters'], kind: 'object' },
  exprTime: { spec: ['Message expiration time'], kind: 'dateTime' },
  latency: { spec: ['Latency'], kind: 'integer' },
  status: { spec: ['Message status'], kind: 'word' },
  delivSt: { spec: ['Delivery Status'], kind: 'word' },
  failureCause: { spec: ['Failure Cause'], kind: 'text' },
  result: { spec: ['Result', 'Registration result', 'De-registration result'], kind: 'result' },
  cause: { spec: ['Cause'], kind: 'text' },
  detail: { spec: ['Detail'], kind: 'text' },
} as const satisfies Record<string, ElementEntry>;

export type ElementName = keyof typeof elements;

/** Elements of a message by our name, values as JSON gave them. */
export type Elements = Partial<Record<ElementName, unknown>>;

/** Another peer's vocabulary, from configuration: its name of an element, and its value for one of ours (by our value as text). */
export interface ElementOverrides {
  readonly names?: Readonly<Partial<Record<ElementName, string>>>;
  readonly values?: Readonly<Partial<Record<ElementName, Readonly<Record<string, string | number | boolean>>>>>;
}

/** One peer's vocabulary, both ways. */
export interface ElementMap {
  /** Our element for a name as it came in, or undefined for a name that nobody knows. */
  elementOf(name: string): ElementName | undefined;
  /** The peer's name of it. */
  nameOf(element: ElementName): string;
  /** Our value for the peer's. */
  valueIn(element: ElementName, value: unknown): unknown;
  /** JSON text with the peer's names and values; undefined elements are left out. */
  encode(message: object): string;
}

/** `Message Type`, `messageType` and `message-type` are one name: spaces, `-` and `_` removed, case folded. */
function foldName(name: string): string {
  return name.replace(/[\s_-]+/g, '').toLowerCase();
}

/** @throws GatewayError `config.elements` when two elements would have one name, or one element two meanings for a value */
export function createElementMap(overrides: ElementOverrides = {}): ElementMap {
  const folded = foldedNames(overrides);
  const exact = new Map<string, ElementName>();
  for (const element of elementNames) exact.set(overrides.names?.[element] ?? element, element);
  const valuesIn = foreignValues(overrides);
  const isPlain = Object.keys(overrides.names ?? {}).length === 0 && valuesIn.size === 0;
  const nameOf = (element: ElementName) => overrides.names?.[element] ?? element;

  function rename(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(rename);
    if (typeof value !== 'object' || value === null) return value;
    const renamed: Record<string, unknown> = {};
    for (const [key, inner] of Object.entries(value)) {
      if (!isElement(key)) renamed[key] = inner;
      else renamed[nameOf(key)] = overrides.values?.[key]?.[String(inner)] ?? rename(inner);
    }
    return renamed;
  }

  return {
    elementOf: name => exact.get(name) ?? folded.get(foldName(name)),
    nameOf,
    valueIn: (element, value) => valuesIn.get(element)?.get(value) ?? value,
    encode: message => JSON.stringify(isPlain ? message : rename(message)),
  };
}

/** Every element that has a name on the wire. */
export const elementNames = Object.keys(elements) as [ElementName, ...ElementName[]];

function isElement(name: string): name is ElementName {
  return Object.hasOwn(elements, name);
}

function foldedNames(overrides: ElementOverrides): Map<string, ElementName> {
  const folded = new Map<string, ElementName>();
  // A peer's own word wins over ours: it may use one of our names for another element.
  for (const element of elementNames) {
    const name = overrides.names?.[element];
    if (name === undefined) continue;
    const key = foldName(name);
    const other = folded.get(key);
    if (key === '' || other) {
      throw new GatewayError(
        'config.elements',
        `elements.names.${element} is "${name}", which is ${other ? `the name of ${other} too` : 'empty'}`,
        {
          hint: 'give each element a name of its own; spaces, "-", "_" and case make no difference',
        },
      );
    }
    folded.set(key, element);
  }
  for (const element of elementNames) {
    for (const name of [element, ...elements[element].spec]) {
      if (!folded.has(foldName(name))) folded.set(foldName(name), element);
    }
  }
  return folded;
}

function foreignValues(overrides: ElementOverrides): Map<ElementName, Map<unknown, unknown>> {
  const all = new Map<ElementName, Map<unknown, unknown>>();
  for (const element of elementNames) {
    const values = overrides.values?.[element];
    if (!values) continue;
    const back = new Map<unknown, unknown>();
    for (const [ours, theirs] of Object.entries(values)) {
      if (back.has(theirs)) {
        throw new GatewayError('config.elements', `elements.values.${element} gives ${JSON.stringify(theirs)} twice`, {
          hint: 'each value needs one of its own',
        });
      }
      back.set(theirs, ownValue(elements[element].kind, ours));
    }
    all.set(element, back);
  }
  return all;
}

/** Keys of a value map are text; the values of some elements are not. */
function ownValue(kind: ElementKind, text: string): unknown {
  if (kind === 'boolean' || kind === 'result') return text === 'true';
  return kind === 'integer' ? Number(text) : text;
}
