import { status } from '../coap/codes.ts';

/** Causes as they stand in answers (project profile of TS 24.538), and those that CoAP itself answers with a code alone. */
export type Cause =
  | 'NOT_AUTHORIZED'
  | 'ID_MISMATCH'
  | 'APP_ID_IN_USE'
  | 'NOT_REGISTERED'
  | 'MALFORMED'
  | 'UNSUPPORTED_TYPE'
  | 'TOO_LARGE'
  | 'CONGESTION'
  | 'INTERNAL'
  | 'NO_RESOURCE'
  | 'METHOD_NOT_ALLOWED'
  | 'NOT_ACCEPTABLE'
  | 'CONTENT_FORMAT';

/** The answer code of each cause where nothing nearer is known. */
const usualCode: Record<Cause, number> = {
  NOT_AUTHORIZED: status.forbidden,
  ID_MISMATCH: status.forbidden,
  APP_ID_IN_USE: status.forbidden,
  NOT_REGISTERED: status.notFound,
  MALFORMED: status.badRequest,
  UNSUPPORTED_TYPE: status.badRequest,
  TOO_LARGE: status.requestEntityTooLarge,
  CONGESTION: status.serviceUnavailable,
  INTERNAL: status.internalServerError,
  NO_RESOURCE: status.notFound,
  METHOD_NOT_ALLOWED: status.methodNotAllowed,
  NOT_ACCEPTABLE: status.notAcceptable,
  CONTENT_FORMAT: status.unsupportedContentFormat,
};

/** What more a refusal may say. */
interface More {
  readonly code?: number;
  /** The largest request that would have been taken. RFC 7252 §5.10.9 (Size1 in a 4.13). */
  readonly size1?: number;
  /** When to try again. RFC 7252 §5.10.5 (Max-Age in a 5.03). */
  readonly maxAgeSeconds?: number;
  /** What was asked, where that could be read: it decides the form of the answer. */
  readonly msgType?: string;
}

/** Why a request is not done: for the peer (code, cause), for people (a sentence without secrets). Not an error: bad input is ordinary. */
export class Refusal {
  readonly cause: Cause;
  readonly sentence: string;
  readonly code: number;
  readonly size1?: number;
  readonly maxAgeSeconds?: number;
  readonly msgType?: string;

  constructor(cause: Cause, sentence: string, more: More = {}) {
    this.cause = cause;
    this.sentence = sentence;
    this.code = more.code ?? usualCode[cause];
    this.size1 = more.size1;
    this.maxAgeSeconds = more.maxAgeSeconds;
    this.msgType = more.msgType;
  }

  /** The same refusal of a message of this type. */
  of(msgType: string): Refusal {
    return new Refusal(this.cause, this.sentence, { ...this, msgType });
  }
}
