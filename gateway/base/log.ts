import { pino, type DestinationStream } from 'pino';
import { codeOf, hintOf, messageOf } from './errors.ts';

export interface Log {
  debug(message: string, facts?: object): void;
  info(message: string, facts?: object): void;
  warn(message: string, facts?: object): void;
  error(message: string, facts?: object): void;
  /** A log whose lines carry these facts as well. */
  child(facts: object): Log;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** JSON lines on standard error (standard output belongs to the ready line), or to the stream given. */
export function createLog(
  level: LogLevel,
  destination: DestinationStream = pino.destination({ fd: 2, sync: false }),
): Log {
  return wrap(pino({ level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime }, destination));
}

export const silentLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLog,
};

/** The facts of a thrown thing, for a log line. */
export function errorFacts(error: unknown): { code: string; reason: string; hint?: string } {
  const hint = hintOf(error);
  return { code: codeOf(error), reason: messageOf(error), ...(hint === undefined ? {} : { hint }) };
}

function wrap(logger: ReturnType<typeof pino>): Log {
  return {
    debug: (message, facts) => logger.debug(facts ?? {}, message),
    info: (message, facts) => logger.info(facts ?? {}, message),
    warn: (message, facts) => logger.warn(facts ?? {}, message),
    error: (message, facts) => logger.error(facts ?? {}, message),
    child: facts => wrap(logger.child(facts)),
  };
}
