import { isCritical, option, optionTable } from './options.ts';
import type { CoapOption } from './types.ts';

/** Critical options that every request handler here copes with: the address of a resource and the format wanted. */
const alwaysUnderstood: readonly number[] = [
  option.uriHost,
  option.uriPort,
  option.uriPath,
  option.uriQuery,
  option.accept,
];

/** What an endpoint makes of a message's options. */
export interface CheckedOptions {
  /** Without elective options that are to be ignored: repeated, or of a length outside their range. */
  readonly options: readonly CoapOption[];
  /** The first critical option that is not understood, and why. RFC 7252 §5.4.1. */
  readonly bad?: { readonly number: number; readonly reason: 'unknown' | 'repeated' | 'length' };
}

export type OptionCheck = (options: readonly CoapOption[]) => CheckedOptions;

/**
 * A check that takes the critical options which are understood, the five of a plain request and those added.
 * An option that may not be repeated and is, or whose length is out of range, counts as unknown (RFC 7252 §5.4.3, §5.4.5).
 */
export function createOptionCheck(understood: readonly number[] = []): OptionCheck {
  const known = new Set([...alwaysUnderstood, ...understood]);
  const fits: (((octets: number) => boolean) | undefined)[] = [];
  const repeatable: boolean[] = [];
  for (const { number, minOctets, maxOctets, repeatable: mayRepeat } of optionTable) {
    fits[number] = octets => octets >= minOctets && octets <= maxOctets;
    repeatable[number] = mayRepeat;
  }

  function fault(options: readonly CoapOption[], i: number): 'unknown' | 'repeated' | 'length' | undefined {
    const { number, value } = options[i];
    const fit = fits[number];
    if (isCritical(number) && !known.has(number)) return 'unknown';
    if (fit === undefined) return undefined;
    if (!fit(value.length)) return 'length';
    if (i > 0 && options[i - 1].number === number && !repeatable[number]) return 'repeated';
    return undefined;
  }

  return options => {
    let kept: CoapOption[] | undefined;
    for (let i = 0; i < options.length; i++) {
      const reason = fault(options, i);
      const { number } = options[i];
      if (reason !== undefined && isCritical(number)) return { options, bad: { number, reason } };
      if (reason !== undefined) kept ??= options.slice(0, i);
      else kept?.push(options[i]);
    }
    return { options: kept ?? options };
  };
}
