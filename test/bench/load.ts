import { print } from './flags.ts';

/** What a load generator prints, ours in C included. */
export interface Measured {
  /** Answered 2.xx within the measured time. */
  readonly exchanges: number;
  readonly seconds: number;
  readonly p50us: number;
  readonly p99us: number;
  /** Answered 2.xx since the first, warm-up included. */
  readonly answered: number;
  readonly retransmissions: number;
  readonly failures: number;
  /** As the session agreed on it; `none` over plain UDP. */
  readonly suite: string;
}

export interface LoadOptions {
  readonly sessions: number;
  readonly outstanding: number;
  readonly measureMs: number;
  readonly warmupMs: number;
}

/** Octets of a body with which header, token of 4, Uri-Path `msgin5g` and Content-Format make a message of 310. As in coap-load.c. */
const bodyBytes = 291;

export function messageBody(): Uint8Array {
  const head =
    '{"msgType":"MSG","msgId":"00000000-0000-4000-8000-000000000000",' +
    '"destAddr":{"addrType":"AS","addr":"as-1@example.com"},"payload":"';
  return new TextEncoder().encode(`${head}${'x'.repeat(bodyBytes - head.length - 2)}"}`);
}

/**
 * Keeps `outstanding` exchanges under way over `sessions`, as coap-load.c does: each walks over a share of its own, so that
 * two never meet on one session unless there are fewer sessions than exchanges.
 * Prints a line when the measured time begins.
 * @param exchange one confirmable POST on a session; resolves to whether the answer was 2.xx
 */
export async function runLoad(
  options: LoadOptions,
  exchange: (session: number) => Promise<boolean>,
): Promise<Pick<Measured, 'exchanges' | 'seconds' | 'p50us' | 'p99us' | 'answered' | 'failures'>> {
  const { sessions, outstanding } = options;
  const beginMs = performance.now() + options.warmupMs;
  const endMs = beginMs + options.measureMs;
  let latenciesUs = new Uint32Array(1 << 18);
  let exchanges = 0;
  let answered = 0;
  let failures = 0;

  const keep = (us: number) => {
    if (exchanges === latenciesUs.length) {
      const longer = new Uint32Array(2 * exchanges);
      longer.set(latenciesUs);
      latenciesUs = longer;
    }
    latenciesUs[exchanges++] = us;
  };
  const slot = async (index: number) => {
    const step = sessions < outstanding ? 0 : outstanding;
    const first = index % sessions;
    for (let session = first, nowMs = performance.now(); nowMs < endMs;) {
      const good = await exchange(session).catch(() => false);
      const doneMs = performance.now();
      if (good) answered++;
      if (doneMs >= beginMs && doneMs < endMs) {
        if (good) keep((doneMs - nowMs) * 1_000);
        else failures++;
      }
      nowMs = doneMs;
      session += step;
      if (session >= sessions) session = first;
    }
  };
  const announcing = setTimeout(() => print({ measuring: true }), options.warmupMs);
  await Promise.all(Array.from({ length: outstanding }, (_, index) => slot(index)));
  clearTimeout(announcing);
  const sorted = latenciesUs.subarray(0, exchanges).sort();
  return {
    exchanges,
    seconds: options.measureMs / 1_000,
    p50us: sorted[exchanges >>> 1] ?? 0,
    p99us: sorted[Math.floor(exchanges * 0.99)] ?? 0,
    answered,
    failures,
  };
}
