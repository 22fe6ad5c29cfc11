import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { Channel } from '../channel/channel.ts';
import type { OptionCheck } from './option-check.ts';
import type { CoapCounters, CoapParameters } from './types.ts';

/** What both roles of an endpoint share. */
export interface EndpointParts {
  readonly channel: Channel;
  readonly clock: Clock;
  readonly counters: CoapCounters;
  readonly parameters: CoapParameters;
  readonly check: OptionCheck;
  readonly log: Log;
}
