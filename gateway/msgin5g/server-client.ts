import { toHex, utf8 } from '../base/bytes.ts';
import { GatewayError } from '../base/errors.ts';
import { codeClass, formatCode, isSuccess, status } from '../coap/codes.ts';
import type { IncomingResponse } from '../coap/types.ts';
import type { SessionUser } from '../session/types.ts';
import { maxAgeSecondsOf } from './coap-json.ts';
import { decodeResult, type Result } from './decode.ts';
import type { Profile } from './profile.ts';
import { Refusal } from './refusal.ts';
import { createServerInbound, type ServerInboundOptions } from './server-inbound.ts';
import type { ServiceReg } from './types.ts';

/** MSGin5G-1 on the session: our registration at the server, and the server's own requests. TS 24.538 §6.3.1, §6.4.1. */
export function createServerClient(options: ServerInboundOptions): SessionUser {
  const { profile } = options;
  const inbound = createServerInbound(options);

  async function ask(
    msgType: ServiceReg['msgType'],
    post: (payload: Uint8Array) => Promise<IncomingResponse>,
  ): Promise<void> {
    const request: ServiceReg = {
      msgType,
      serviceId: profile.serviceId,
      ueServiceId: profile.ueServiceId,
      ...(profile.ueCredential ? { credential: Buffer.from(profile.ueCredential.reveal()).toString() } : {}),
    };
    readResult(await post(utf8(profile.serverElements.encode(request))), msgType, profile);
  }

  return {
    register: post => ask('REG', post),
    async deregister(post) {
      try {
        await ask('DEREG', post);
      } catch (error) {
        // Not registered any more is what was wanted.
        if (!(error instanceof GatewayError) || error.code !== 'registration.unknown') throw error;
      }
    },
    onRequest: inbound.handle,
  };
}

const whatToDo: Readonly<Record<string, string>> = {
  NOT_AUTHORIZED: 'ask the operator whether this subscription may use MSGin5G',
  ID_MISMATCH: 'the operator knows this subscription under another UE Service ID: compare the setting ueServiceId',
  NOT_REGISTERED: 'register first',
  MALFORMED: 'compare the element names of the profile with what the server expects',
  UNSUPPORTED_TYPE: 'compare the message types of the profile with what the server expects',
  CONGESTION: 'the server is busy: the next try comes by itself',
};

/**
 * Nothing but a success that says so is one: the payload is read before the code is believed (a 2.01 or 2.04 may carry a
 * result of failure).
 * @throws GatewayError `registration.refused`, `registration.busy`, `registration.unknown` (4.04), `registration.id-mismatch`, `registration.nonsense`
 */
function readResult(response: IncomingResponse, msgType: string, profile: Profile): void {
  const { code, payload } = response;
  const result = payload.length === 0 ? {} : decodeResult(payload, profile.serverElements);
  const answer = formatCode(code);
  if (!isSuccess(code)) throw refused(response, msgType, result instanceof Refusal ? {} : result);
  const isOurCode = code === status.created || code === status.changed;
  if (!isOurCode || result instanceof Refusal || result.result === undefined) {
    const noResult = `its payload of ${payload.length} octets holds no result`;
    const why = !isOurCode ? 'a success is 2.01 or 2.04' : result instanceof Refusal ? result.sentence : noResult;
    throw new GatewayError('registration.nonsense', `the server answered ${msgType} with ${answer}, but ${why}`, {
      hint: `compare the element names of the profile with the server's; the answer begins with ${toHex(payload.subarray(0, 16)) || 'nothing'}`,
    });
  }
  if (!result.result) throw refused(response, msgType, result);
  if (result.ueServiceId !== undefined && result.ueServiceId !== profile.ueServiceId) {
    throw new GatewayError(
      'registration.id-mismatch',
      `the server answered ${msgType} of ${profile.ueServiceId} for ${plain(result.ueServiceId)}`,
      {
        hint: whatToDo.ID_MISMATCH,
      },
    );
  }
}

function refused(response: IncomingResponse, msgType: string, { cause, failureCause }: Result): GatewayError {
  const { code } = response;
  const said = cause ?? failureCause;
  const sentence = `the server refused ${msgType} with ${formatCode(code)}${said === undefined ? '' : `: ${plain(said)}`}`;
  if (code === status.serviceUnavailable) {
    return new GatewayError('registration.busy', `${sentence}, for ${maxAgeSecondsOf(response)} s`, {
      hint: whatToDo.CONGESTION,
    });
  }
  const hint =
    (Object.hasOwn(whatToDo, said ?? '') ? whatToDo[said ?? ''] : undefined) ??
    (codeClass(code) === 5 ? 'the fault is at the server: the next try comes by itself' : whatToDo.NOT_AUTHORIZED);
  return new GatewayError(code === status.notFound ? 'registration.unknown' : 'registration.refused', sentence, {
    hint,
  });
}

/** A peer's words in a sentence of ours: short, and nothing that a terminal would act on. */
function plain(text: string): string {
  return text.slice(0, 64).replace(/[^\x20-\x7e]/g, '?');
}
