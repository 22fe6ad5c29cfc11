import { fromUtf8 } from '../base/bytes.ts';
import { type ElementMap, type ElementName, type Elements } from './elements.ts';
import { Refusal } from './refusal.ts';

/** Ours: the deepest message of the table is three levels; an unknown element may have a few more. */
const maxDepth = 8;

/** JSON octets to elements by our names. Unknown names are left out; a name given twice, in any spelling, is refused. */
export function readJson(octets: Uint8Array, map: ElementMap): Elements | Refusal {
  const text = fromUtf8(octets);
  if (text === undefined) return new Refusal('MALFORMED', 'the payload is not UTF-8');
  const survey = surveyJson(text);
  if (survey.depth > maxDepth)
    return new Refusal('MALFORMED', `the payload nests ${survey.depth} levels deep, ${maxDepth} are allowed`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // The engine's own message quotes the text, which may hold a credential.
    const position = /position (\d+)/.exec(String(error))?.[1];
    return new Refusal('MALFORMED', `the payload is not JSON${position ? ` at character ${position}` : ''}`);
  }
  if (!isObject(value)) return new Refusal('MALFORMED', `the payload is JSON but ${kindOf(value)}, not an object`);
  if (countMembers(value) < survey.members) return new Refusal('MALFORMED', 'the payload gives a name twice');
  return ownNames(value, map);
}

/** The elements of one JSON object by our names. */
function ownNames(object: object, map: ElementMap): Elements | Refusal {
  const own: Elements = {};
  for (const name in object) {
    const element = map.elementOf(name);
    if (element === undefined) continue;
    if (own[element] !== undefined)
      return new Refusal('MALFORMED', `${element}: given twice, the second time as "${name}"`);
    const value: unknown = map.valueIn(element, (object as Record<string, unknown>)[name]);
    const inner = isObject(value) ? ownNames(value, map) : value;
    if (inner instanceof Refusal) return inner;
    own[element] = inner;
  }
  return own;
}

/** JSON text of ours, read back from the store. Undefined when it cannot be read, which only another program's hand explains. */
export function readOwnJson(text: string, map: ElementMap): Elements | undefined {
  const value = readJson(Buffer.from(text), map);
  return value instanceof Refusal ? undefined : value;
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** For sentences: what a value is, never the value. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return 'text';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** A missing or mistyped element, in one sentence that names it. */
export function malformed(element: ElementName, problem: string): Refusal {
  return new Refusal('MALFORMED', `${element}: ${problem}`);
}

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;

/**
 * Depth and number of members of JSON text, told from the text alone: every member has exactly one colon outside of
 * strings. JSON.parse keeps the last of two equal names without a word; then it has fewer members than the text.
 */
function surveyJson(text: string): { depth: number; members: number } {
  let depth = 0;
  let deepest = 0;
  let members = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text.charCodeAt(i);
    if (character === quote) {
      i = closingQuote(text, i + 1);
      if (i < 0) break;
    } else if (character === colon) members++;
    else if (character === 0x7b || character === 0x5b) deepest = Math.max(deepest, ++depth);
    else if (character === 0x7d || character === 0x5d) depth--;
  }
  return { depth: deepest, members };
}

function closingQuote(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(at - 1 - backslashes) === backslash) backslashes++;
    if (backslashes % 2 === 0) return at;
  }
  return -1;
}

function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let members = 0;
  if (Array.isArray(value)) {
    for (const inner of value) members += countMembers(inner);
    return members;
  }
  for (const name in value) members += 1 + countMembers((value as Record<string, unknown>)[name]);
  return members;
}
