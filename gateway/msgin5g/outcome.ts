import { codeOf, messageOf } from '../base/errors.ts';
import { formatCode, codeClass, isSuccess, status } from '../coap/codes.ts';
import type { IncomingResponse } from '../coap/types.ts';
import { maxAgeSecondsOf } from './coap-json.ts';
import { decodeMsgResp } from './decode.ts';
import type { ElementMap } from './elements.ts';
import { Refusal } from './refusal.ts';
import { messageFailed } from './types.ts';

/**
 * What became of one message at its next hop.
 * taken: it has it. refused: it will not have it, now or later. later: ask again, not before `afterMs` when that is given;
 * `isItsFault` when the message itself may be why, so that one message does not hold up the others for ever.
 * unregistered: the server does not know us.
 */
export type Outcome =
  | { readonly kind: 'taken'; readonly status?: string }
  | { readonly kind: 'refused'; readonly cause: string }
  | { readonly kind: 'later'; readonly reason: string; readonly afterMs?: number; readonly isItsFault?: boolean }
  | { readonly kind: 'unregistered' };

// RFC 8516 §3
const tooManyRequests = 0x9d;

/** Answers that may be others the next time, with nothing to say when. */
const perhapsLater: readonly number[] = [status.internalServerError, status.badGateway, status.gatewayTimeout];

/** Reads an answer to MSG or IMDN: the payload before the code. TS 29.538 MessageDeliveryAck. */
export function outcomeOfAnswer(response: IncomingResponse, map: ElementMap): Outcome {
  const { code, payload } = response;
  const text = formatCode(code);
  if (code === status.serviceUnavailable || code === tooManyRequests) {
    return { kind: 'later', reason: text, afterMs: maxAgeSecondsOf(response) * 1_000 };
  }
  if (perhapsLater.includes(code)) return { kind: 'later', reason: text, isItsFault: true };
  const said = payload.length === 0 ? {} : decodeMsgResp(payload, map);
  const cause = said instanceof Refusal ? undefined : (said.failureCause ?? said.cause);
  if (!isSuccess(code)) {
    if (cause === 'NOT_REGISTERED' && codeClass(code) === 4) return { kind: 'unregistered' };
    return { kind: 'refused', cause: cause ?? text };
  }
  if (said instanceof Refusal)
    return { kind: 'later', reason: `${text} with nonsense: ${said.sentence}`, isItsFault: true };
  if (said.status === messageFailed || said.result === false) return { kind: 'refused', cause: cause ?? messageFailed };
  return { kind: 'taken', status: said.status };
}

export function outcomeOfError(error: unknown): Outcome {
  const code = codeOf(error);
  if (code === 'coap.too-large') return { kind: 'refused', cause: 'TOO_LARGE' };
  return { kind: 'later', reason: `${code}: ${messageOf(error)}` };
}
