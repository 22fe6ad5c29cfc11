import { codeOf, GatewayError, messageOf, ourFault } from '../base/errors.ts';
import type { SessionLayer } from './types.ts';

/** The layer that a code belongs to: the longest beginning decides. */
const layers: readonly (readonly [beginning: string, SessionLayer])[] = [
  ['akma.', 'AKMA'],
  ['channel.dns', 'DNS'],
  ['channel.', 'UDP'],
  ['dtls.no-answer', 'UDP'],
  ['dtls.', 'DTLS'],
  ['coap.', 'CoAP'],
  ['session.not-proved', 'CoAP'],
  ['registration.', 'registration'],
];

export function layerOf(code: string): SessionLayer | undefined {
  return layers.find(([beginning]) => code.startsWith(beginning))?.[1];
}

/** What a DTLS peer says to a key that it does not know or that does not fit, in an alert or by silence. */
const keyRefusals: readonly string[] = ['dtls.psk-refused', 'dtls.psk-silent'];

/**
 * Why a handshake did not succeed. What lower layers say of themselves (DNS, a refused port, a silent server) stands;
 * a key that was refused becomes `akma.refused`.
 * @param wasAsked the server came as far as to need the key
 */
export function handshakeFailure(error: unknown, server: string, wasAsked: boolean): GatewayError {
  if (wasAsked && keyRefusals.includes(codeOf(error))) {
    return new GatewayError('akma.refused', `AKMA key expired or not registered: ${messageOf(error)}`, {
      cause: error,
      hint: `re-authenticate to the network; if ${server} should know the key, compare server.fqdn, akma.uaStarId and akma.pskIdentitySeparator with its operator`,
    });
  }
  return asGatewayError(error, 'dtls.failed', `the handshake with ${server} failed`);
}

export function asGatewayError(error: unknown, code: string, what: string): GatewayError {
  if (error instanceof GatewayError) return error;
  return new GatewayError(code, `${what}: ${messageOf(error)}`, {
    cause: error,
    hint: ourFault,
  });
}
