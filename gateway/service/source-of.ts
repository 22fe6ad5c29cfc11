import type { Facts } from '../../api/contract.ts';
import type { Gateway } from '../gateway.ts';
import type { RelayStatus, Source } from './source.ts';

/** What the service reads of a gateway. */
export function sourceOf(gateway: Gateway, { version, isLab }: Pick<Facts, 'version' | 'isLab'>): Source {
  const { clock, config, links, session, startedAtMs, store } = gateway;
  return {
    clock,
    store,
    session,
    links,
    relay: { status: () => relayStatus(gateway) },
    facts: { site: config.site, version, isLab, startedAtMs, ueServiceId: config.ueServiceId },
  };
}

function relayStatus({ coapCounters, msgin5g, store }: Gateway): RelayStatus {
  const { up, down, links, upLatencyMsP50, upLatencyMsP95, upLatencyMsP99 } = msgin5g.counters.snapshot();
  const ways = [...coapCounters.values()];
  const sum = (value: (way: (typeof ways)[number]) => number): number =>
    ways.reduce((total, way) => total + value(way), 0);
  return {
    up,
    down,
    ...(upLatencyMsP50 === undefined || upLatencyMsP95 === undefined
      ? {}
      : { latency: { p50Ms: upLatencyMsP50, p95Ms: upLatencyMsP95, p99Ms: upLatencyMsP99 } }),
    sent: sum(way => way.requestsOut),
    retransmissions: sum(way => way.retransmissions),
    lostAfterAcknowledge: store.outbox.lost,
    links,
  };
}
