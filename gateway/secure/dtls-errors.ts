import type { DtlsErrorShape } from '../../native/types.ts';
import { GatewayError, messageOf } from '../base/errors.ts';

/** Alerts that a DTLS peer ends a session with. RFC 5246 §7.2, RFC 4279 §2, RFC 6066 §9. */
const alertNames: Readonly<Record<number, string>> = {
  0: 'close_notify',
  10: 'unexpected_message',
  20: 'bad_record_mac',
  22: 'record_overflow',
  40: 'handshake_failure',
  47: 'illegal_parameter',
  50: 'decode_error',
  51: 'decrypt_error',
  70: 'protocol_version',
  71: 'insufficient_security',
  80: 'internal_error',
  86: 'inappropriate_fallback',
  90: 'user_canceled',
  100: 'no_renegotiation',
  110: 'unsupported_extension',
  112: 'unrecognized_name',
  115: 'unknown_psk_identity',
};

/** Alerts that say more than the engine's code does. */
const codeOfAlert: Readonly<Record<number, string>> = { 0: 'dtls.closed', 70: 'dtls.version' };

/** What each code says, and what to do about it. */
const explanations: Readonly<Record<string, { sentence: string; hint?: string }>> = {
  'dtls.psk-refused': {
    sentence: 'the pre-shared key or its identity was refused',
    hint: 'the AKMA key expired, is not registered, or belongs to another FQDN or Ua* identifier: re-authenticate, compare both',
  },
  'dtls.no-common-suite': {
    sentence: 'no cipher suite in common',
    hint: 'compare the suites of both ends; CCAC, C0A8 and 00A8 are possible here',
  },
  'dtls.version': {
    sentence: 'no version in common: this end speaks DTLS 1.2',
    hint: 'ask the operator which version the server offers',
  },
  'dtls.alert': { sentence: 'the peer ended the session', hint: 'the log of the other end says why' },
  'dtls.closed': { sentence: 'the peer closed the session', hint: 'the log of the other end says why' },
  'dtls.protocol': { sentence: 'the peer does not follow the protocol', hint: 'check that DTLS listens at this port' },
  'dtls.timeout': {
    sentence: 'the handshake was not finished in time',
    hint: 'large datagrams may be lost on the way, or the other end is overloaded',
  },
  'dtls.memory': { sentence: 'memory is short', hint: 'end other programs, or give this machine more memory' },
};

/** What native code threw, as the gateway says it. */
export function explainDtls(error: unknown, peer: string): GatewayError {
  if (error instanceof GatewayError) return error;
  const { code = 'dtls.protocol', alert, alertFrom, cause } = error as Partial<DtlsErrorShape>;
  // Whoever refused the key had a reason of its own.
  if (cause instanceof GatewayError) return cause;
  const told = (alertFrom === 'peer' && alert !== undefined && codeOfAlert[alert]) || code;
  const known = explanations[told];
  const sentence = known?.sentence ?? messageOf(error);
  return new GatewayError(told, `DTLS with ${peer}: ${sentence}${alertText(alert, alertFrom)}`, {
    cause: error,
    hint: known?.hint,
  });
}

function alertText(alert: number | undefined, from: 'peer' | 'us' | undefined): string {
  if (alert === undefined) return '';
  return ` (alert ${alert}, ${alertNames[alert] ?? 'unnamed'}, from ${from === 'us' ? 'us' : 'the peer'})`;
}
