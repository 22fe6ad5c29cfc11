import type { Handlers } from '../../api/rpc.ts';
import type { ApiContract } from '../../api/contract.ts';
import type { Source } from './source.ts';

export function systemSection(source: Source): Pick<Handlers<ApiContract>, 'system.facts' | 'system.now'> {
  return {
    'system.facts': () => source.facts,
    'system.now': () => ({ nowMs: source.clock.wallMs() }),
  };
}
