import { utf8 } from '../base/bytes.ts';
import { method } from '../coap/codes.ts';
import {
  acceptOf,
  contentFormat,
  contentFormatOf,
  format,
  maxAge,
  option,
  uintOf,
  uintOption,
  uriPathOf,
} from '../coap/options.ts';
import type { CoapOption, CoapRequest, CoapResponse, IncomingRequest } from '../coap/types.ts';
import type { ElementMap } from './elements.ts';
import { Refusal } from './refusal.ts';
import { messageFailed } from './types.ts';

/** CoAP as MSGin5G uses it: POST on one path, Content-Format 50. TS 24.538 §6.1. */

const jsonOption = contentFormat(format.json);
const jsonOnly: readonly CoapOption[] = [jsonOption];
const noOctets = new Uint8Array(0);

/** What stands before the payload: the path, the method, the formats and the size. Undefined when all is well. */
export function refuseAtDoor(
  request: IncomingRequest,
  path: readonly string[],
  maxOctets: number,
): Refusal | undefined {
  const { options, payload } = request;
  const asked = uriPathOf(options);
  if (!asked || asked.length !== path.length || asked.some((segment, i) => segment !== path[i])) {
    return new Refusal('NO_RESOURCE', `there is no resource here but /${path.join('/')}`);
  }
  if (request.code !== method.post) return new Refusal('METHOD_NOT_ALLOWED', `/${path.join('/')} takes POST only`);
  const accepted = acceptOf(options) ?? format.json;
  if (accepted !== format.json)
    return new Refusal('NOT_ACCEPTABLE', `answers have Content-Format ${format.json}, not ${accepted}`);
  const given = contentFormatOf(options);
  if (given !== format.json) {
    return new Refusal(
      'CONTENT_FORMAT',
      `Content-Format ${format.json} is expected, ${given === undefined ? 'there is none' : `it is ${given}`}`,
    );
  }
  if (payload.length > maxOctets) {
    return new Refusal('TOO_LARGE', `the payload is ${payload.length} octets long, ${maxOctets} are allowed`, {
      size1: maxOctets,
    });
  }
  return undefined;
}

/** Makes confirmable POSTs of JSON text to one path, whose segments may hold anything, a slash too. */
export function createPost(path: readonly string[]): (json: string) => CoapRequest {
  const options = [...path.map(segment => ({ number: option.uriPath, value: utf8(segment) })), jsonOption];
  return json => ({ code: method.post, options, payload: utf8(json), confirmable: true });
}

export function jsonResponse(code: number, json: string): CoapResponse {
  return { code, options: jsonOnly, payload: utf8(json) };
}

/** An answer without payload. */
export function bareResponse(code: number): CoapResponse {
  return { code, options: [], payload: noOctets };
}

/** What CoAP itself refuses is answered with a diagnostic text. RFC 7252 §5.5.2. */
const diagnosed = new Set<Refusal['cause']>(['NO_RESOURCE', 'METHOD_NOT_ALLOWED', 'NOT_ACCEPTABLE', 'CONTENT_FORMAT']);

/** The answer to a refused request: a diagnostic text, or JSON in the form of the answer that was asked for, with `detail` for people. */
export function refusalResponse(refusal: Refusal, map: ElementMap, msgId?: string): CoapResponse {
  const isDiagnosed = diagnosed.has(refusal.cause);
  const options: CoapOption[] = [];
  if (!isDiagnosed) options.push(jsonOption);
  if (refusal.maxAgeSeconds !== undefined) options.push(maxAge(refusal.maxAgeSeconds));
  if (refusal.size1 !== undefined) options.push(uintOption(option.size1, refusal.size1));
  const text = isDiagnosed
    ? refusal.sentence
    : map.encode({ ...refusalElements(refusal, msgId), detail: refusal.sentence });
  return { code: refusal.code, options, payload: utf8(text) };
}

function refusalElements({ msgType, cause }: Refusal, msgId: string | undefined): object {
  return msgType === 'MSG'
    ? { msgType: 'MSGRESP', msgId, status: messageFailed, failureCause: cause }
    : { result: false, cause };
}

/** Max-Age of a response in seconds, 60 when it has none. RFC 7252 §5.10.5. */
export function maxAgeSecondsOf(response: CoapResponse): number {
  return uintOf(response.options, option.maxAge) ?? 60;
}
