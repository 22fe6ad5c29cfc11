import { contract, type ApiContract, type ApiViews } from '../../api/contract.ts';
import { newRpcCounters, serve, type Handlers, type Pipe, type RpcCounters, type Views } from '../../api/rpc.ts';
import { errorFacts, type Log } from '../base/log.ts';
import { auditSection } from './audit.ts';
import { devicesSection } from './devices.ts';
import { linksSection } from './links.ts';
import { liveView } from './live.ts';
import { messagesSection } from './messages.ts';
import { overviewReader } from './overview.ts';
import { sessionSection } from './session.ts';
import type { Source } from './source.ts';
import { systemSection } from './system.ts';

/** The contract answered, over any number of pipes. */
export interface Service {
  readonly counters: Readonly<RpcCounters>;
  /** Answers this client until the function it returns is called. */
  attach(pipe: Pipe): () => void;
}

export function createService(source: Source, log: Log): Service {
  const counters = newRpcCounters();
  const onFailure = (call: string, cause: unknown): void => log.warn('a call failed', { call, ...errorFacts(cause) });
  const onUnreadable = (cause: unknown): void => log.debug('the overview is not fresh', errorFacts(cause));
  const readOverview = overviewReader(source, onUnreadable);
  const handlers: Handlers<ApiContract> = {
    ...systemSection(source),
    ...sessionSection(source),
    ...devicesSection(source),
    ...linksSection(source),
    ...messagesSection(source),
    ...auditSection(source),
    'overview.read': readOverview,
  };
  const views: Views<ApiViews> = {
    overview: liveView(source.clock, readOverview, onUnreadable),
  };
  return {
    counters,
    attach: pipe => serve(pipe, { contract, handlers, views }, { counters, onFailure }),
  };
}
