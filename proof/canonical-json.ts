/** What canonical JSON can say. RFC 8785 takes I-JSON (RFC 7493): finite numbers, text without lone surrogates. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json | undefined };

/**
 * The one text of a value: no white space, members sorted by the UTF-16 code units of their names, numbers and escapes
 * as ECMAScript writes them. RFC 8785. Members whose value is undefined are left out.
 * @throws TypeError for what has no canonical text: NaN, infinities, lone surrogates, anything that is not JSON
 */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return canonicalNumber(value);
  if (typeof value === 'string') return canonicalString(value);
  if (Array.isArray(value)) return `[${value.map(item => canonicalJson(item)).join(',')}]`;
  if (typeof value === 'object') return canonicalObject(value as { readonly [name: string]: Json | undefined });
  throw new TypeError(`no canonical JSON for a ${typeof value}`);
}

/** RFC 8785 §3.2.2.3: ECMAScript's Number to String, and minus zero is 0. */
function canonicalNumber(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError(`no canonical JSON for ${value}`);
  return String(value);
}

/** Printable ASCII without quotation mark and backslash: what almost every text is, and what needs no escape. */
const plainText = /^[ !#-[\]-~]*$/;

/**
 * RFC 8785 §3.2.2.2: JSON.stringify escapes alike, but writes lone surrogates that the RFC refuses.
 * @throws TypeError for a lone surrogate
 */
export function canonicalString(text: string): string {
  if (plainText.test(text)) return `"${text}"`;
  if (!text.isWellFormed()) throw new TypeError('no canonical JSON for a lone surrogate');
  return JSON.stringify(text);
}

/** RFC 8785 §3.2.3. */
function canonicalObject(value: { readonly [name: string]: Json | undefined }): string {
  let members = '';
  for (const name of sortedNames(value)) {
    const member = value[name];
    if (member === undefined) continue;
    if (members !== '') members += ',';
    members += `${canonicalString(name)}:${canonicalJson(member)}`;
  }
  return `{${members}}`;
}

/** The default order of Array.sort, and of `<`, is by UTF-16 code units. */
function sortedNames(value: object): string[] {
  const names = Object.keys(value);
  for (let i = 1; i < names.length; i++) if (names[i]! < names[i - 1]!) return names.sort();
  return names;
}
