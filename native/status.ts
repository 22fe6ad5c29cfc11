import type { Addon, Handle, Owner } from './addon.ts';
import { DtlsError } from './dtls-error.ts';

/** In the order of `dtls_state` in dtls.h. */
export const states = ['handshaking', 'open', 'closed'] as const;

/** In the order of `dtls_origin` in dtls.h. */
const alertOrigins = [undefined, 'peer', 'us'] as const;

/** In the order of `dtls_status` in dtls.h. */
const errorCodes = [
  undefined,
  'dtls.psk-refused',
  'dtls.no-common-suite',
  'dtls.alert',
  'dtls.protocol',
  'dtls.closed',
  'dtls.timeout',
  'dtls.too-large',
  'dtls.busy',
  'dtls.memory',
] as const;

export const sentences: Record<string, string> = {
  'dtls.psk-refused': 'the pre-shared key was refused',
  'dtls.no-common-suite': 'the two ends have no cipher suite in common',
  'dtls.alert': 'the peer ended the session',
  'dtls.protocol': 'the peer does not follow the protocol',
  'dtls.closed': 'the session is not open',
  'dtls.timeout': 'the handshake had no answer',
  'dtls.too-large': 'the plaintext does not fit into a datagram, or is empty',
  'dtls.busy': 'the session is asking for its key and takes no other call meanwhile',
  'dtls.memory': 'memory is short',
};

/** What the last call met, when it met something. */
export function lastError(from: Addon, handle: Handle, { failure }: Owner): DtlsError | undefined {
  const [status, state, , alert, origin] = from.status;
  const code = errorCodes[status];
  if (code === undefined) return undefined;
  const reason = states[state] === 'closed' ? from.reason(handle) : '';
  const alertFrom = alertOrigins[origin];
  return new DtlsError(code, reason ? `${sentences[code]} (${reason})` : sentences[code], {
    ...(alertFrom ? { alert, alertFrom } : {}),
    cause: failure,
  });
}
