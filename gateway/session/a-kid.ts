import { toHex } from '../base/bytes.ts';

/** What an A-KID is made of. TS 33.535 §6.1. */
export interface AKidParts {
  /** Routing Indicator, 1 to 4 digits, kept as provisioned: `0`, `00` and `0000` are three values (TS 29.503 Annex C). */
  readonly rid: string;
  /** 32 octets. */
  readonly aTid: Uint8Array;
  /** 3 digits. */
  readonly mcc: string;
  /** 2 or 3 digits. */
  readonly mnc: string;
}

export type AKidStrategy = keyof typeof aKidStrategies;

/**
 * Ways to write an A-KID, an NAI (RFC 7542). TS 33.535 §6.1 fixes the parts, and nothing readable fixes their order,
 * separator and text encoding, so this is the profile; an A-KID that came complete is used octet for octet instead.
 */
export const aKidStrategies = {
  ridLabelBase64url: 'rid{rid}.{atid:b64u}@{realm}',
  ridLabelAtidHex: 'rid{rid}.atid{atid:hex}@{realm}',
  ridDotBase64url: '{rid}.{atid:b64u}@{realm}',
  hexThenRid: '{atid:hex}{rid}@{realm}',
} as const;

export const defaultAKidStrategy: AKidStrategy = 'ridLabelBase64url';

/**
 * An A-KID after a template.
 * @param template a strategy's, or text of one's own with {rid}, {atid:hex}, {atid:b64u}, {mnc3}, {mcc}, {realm}
 */
export function formatAKid(parts: AKidParts, template: string = aKidStrategies[defaultAKidStrategy]): string {
  const mnc3 = parts.mnc.padStart(3, '0');
  const values: Record<string, string> = {
    rid: parts.rid,
    'atid:hex': toHex(parts.aTid),
    'atid:b64u': Buffer.from(parts.aTid).toString('base64url'),
    mnc3,
    mcc: parts.mcc,
    // Home network realm, a two-digit MNC with a leading zero. TS 23.003 §28.2.
    realm: `5gc.mnc${mnc3}.mcc${parts.mcc}.3gppnetwork.org`,
  };
  return template.replace(/\{([^}]*)\}/g, (placeholder, name: string) => {
    if (!Object.hasOwn(values, name)) throw new RangeError(`an A-KID template has no ${placeholder}`);
    return values[name];
  });
}
