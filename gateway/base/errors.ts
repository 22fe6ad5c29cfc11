/**
 * The one error of the gateway: a stable dotted code (`layer.reason`), a sentence with the values in it,
 * and, where the reader can do something, a hint. Codes never change; sentences may.
 */
export class GatewayError extends Error {
  readonly code: string;
  readonly hint?: string;

  constructor(code: string, message: string, options: { cause?: unknown; hint?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'GatewayError';
    this.code = code;
    this.hint = options.hint;
  }
}

/** The hint of what no reader can mend. */
export const ourFault = 'this is a fault of Fieldgate itself: report it with the log';

/** An error as plain data: what a status, a record or another thread gets of it. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
}

export function failureOf({ code, message, hint }: GatewayError): Failure {
  return hint === undefined ? { code, message } : { code, message, hint };
}

/** The code of any thrown thing: a GatewayError's, a system error's (`EADDRINUSE`), or `internal`. */
export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'internal';
}

/** The sentence of any thrown thing. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What to do about any thrown thing, when it says so. */
export function hintOf(error: unknown): string | undefined {
  const hint = (error as { hint?: unknown } | null)?.hint;
  return typeof hint === 'string' ? hint : undefined;
}
