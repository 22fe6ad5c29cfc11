/** JSON as it travels: no undefined, and no null, which means "removed" in a patch. */
export type Json = string | number | boolean | readonly Json[] | { readonly [key: string]: Json | undefined };

/** RFC 7396: an object names what changed, null removes, anything else replaces. */
export type Patch = Json | null | { readonly [key: string]: Patch | undefined };

/**
 * What turns `before` into `after`, or undefined when nothing does. Parts that are the same object are not looked into,
 * so that a view which keeps its records costs little. RFC 7396 §1.
 */
export function diff(before: Json | undefined, after: Json): Patch | undefined {
  if (before === after) return undefined;
  if (!isObject(before) || !isObject(after)) return isEqual(before, after) ? undefined : after;
  const entries: [string, Patch][] = [];
  for (const key of Object.keys(before)) {
    if (own(before, key) !== undefined && own(after, key) === undefined) entries.push([key, null]);
  }
  for (const key of Object.keys(after)) {
    const value = own(after, key);
    const change = value === undefined ? undefined : diff(own(before, key), value);
    if (change !== undefined) entries.push([key, change]);
  }
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** `target` with the patch applied; the parts not named are kept as they are. RFC 7396 §2. */
export function applyPatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result = new Map<string, unknown>(isObject(target) ? Object.entries(target) : []);
  for (const [key, change] of Object.entries(patch)) {
    if (change === null) result.delete(key);
    else result.set(key, applyPatch(result.get(key), change));
  }
  return Object.fromEntries(result);
}

// A device may be called __proto__: hence own properties, a Map and Object.fromEntries.
function own(record: { readonly [key: string]: Json | undefined }, key: string): Json | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

function isObject(value: unknown): value is { readonly [key: string]: Json | undefined } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isEqual(one: Json | undefined, other: Json): boolean {
  if (one === other) return true;
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((entry, index) => isEqual(entry, other[index]));
  }
  return isObject(one) && isObject(other) && diff(one, other) === undefined;
}
