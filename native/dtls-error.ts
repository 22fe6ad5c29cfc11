import type { DtlsErrorShape } from './types.ts';

/** A DTLS session that failed, or could not do what was asked. */
export class DtlsError extends Error implements DtlsErrorShape {
  readonly code: string;
  readonly alert?: number;
  readonly alertFrom?: 'peer' | 'us';

  constructor(
    code: string,
    message: string,
    facts: { alert?: number; alertFrom?: 'peer' | 'us'; cause?: unknown } = {},
  ) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = 'DtlsError';
    this.code = code;
    this.alert = facts.alert;
    this.alertFrom = facts.alertFrom;
  }
}
