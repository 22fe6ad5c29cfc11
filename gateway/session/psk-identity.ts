import { utf8 } from '../base/bytes.ts';
import { GatewayError } from '../base/errors.ts';

/** How the PSK identity is written. TS 24.109 §K.3.2 names prefix and A-KID and no separator; GBA has one. */
export interface PskIdentityFormat {
  /** `3GPP-AKMA`, case and all; also what the server's identity hint must name. */
  readonly prefix: string;
  readonly separator: '' | ';' | '.';
}

export const akmaIdentityFormat: PskIdentityFormat = { prefix: '3GPP-AKMA', separator: '' };

/** What every implementation must take. RFC 4279 §5.3. */
const maxPskIdentityBytes = 128;

/**
 * The PSK identity: prefix, separator, A-KID; UTF-8, at most 128 octets. TS 24.109 §K.3.2, RFC 4279 §5.1.
 * @throws GatewayError `akma.identity` when the A-KID cannot be sent as one
 */
export function pskIdentity(aKid: string, format: PskIdentityFormat = akmaIdentityFormat): string {
  const identity = format.prefix + format.separator + aKid;
  // NUL ends a string in most TLS libraries; a lone surrogate has no UTF-8.
  if (aKid === '' || identity.includes('\0') || !identity.isWellFormed()) {
    throw new GatewayError('akma.identity', 'the A-KID is empty or is not text that UTF-8 can carry', {
      hint: fromWhereHint,
    });
  }
  const octets = utf8(identity).length;
  if (octets > maxPskIdentityBytes) {
    throw new GatewayError(
      'akma.identity',
      `the PSK identity would have ${octets} octets, and servers need not take more than ${maxPskIdentityBytes}`,
      { hint: fromWhereHint },
    );
  }
  return identity;
}

const fromWhereHint =
  'check the A-KID at its source, the key file or the modem; base64url makes a shorter A-TID than hexadecimal';

type HintVerdict = 'named' | 'absent' | 'other';

/**
 * Whether the server's identity hint names AKMA: one element of its list is the prefix. TS 24.109 §K.3.2, and §F.3 for
 * the list; `;` between elements is the profile.
 */
export function judgeIdentityHint(
  hint: string | undefined,
  format: PskIdentityFormat = akmaIdentityFormat,
): HintVerdict {
  if (hint === undefined || hint === '') return 'absent';
  return hint.split(';').some(element => element.trim() === format.prefix) ? 'named' : 'other';
}
