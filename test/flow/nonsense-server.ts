import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromUtf8, hex, toHex, utf8 } from '../../gateway/base/bytes.ts';
import { systemClock } from '../../gateway/base/clock.ts';
import { seededRandom } from '../../gateway/base/random.ts';
import { Secret } from '../../gateway/base/secret.ts';
import { createUdpChannel } from '../../gateway/channel/udp.ts';
import { createCoapEndpoint } from '../../gateway/coap/endpoint.ts';
import type { CoapResponse } from '../../gateway/coap/types.ts';
import type { ConfigInput } from '../../gateway/config.ts';
import { DtlsServerChannel } from '../../gateway/secure/dtls-server.ts';
import { afIdOctets, deriveKaf, uaStarIdOfSuite } from '../../gateway/session/akma.ts';

// akma-vectors.json, V1
const aKid = 'rid0000.LLF042GWKhalxJDZ7f3hPdXyYg4haZGDNH2aTBTKKRA@5gc.mnc001.mcc001.3gppnetwork.org';
const kAkma = hex('331ea0632c0627296e0a424393dd78d301d87892645e750c1fe312a5d0b10204');
const fqdn = 'msgin5g.example.com';

/** A server with the right key that answers as the test says. */
export interface NonsenseServer {
  /** Answers the next ones of this kind in turn, the last one for ever. */
  answers(msgType: 'REG' | 'MSG', ...answers: CoapResponse[]): void;
  /** How many of this kind it was asked. */
  asked(msgType: 'REG' | 'MSG'): number;
  config(more: ConfigInput): ConfigInput;
  stop(): Promise<void>;
}

export function json(code: number, text: string): CoapResponse {
  return { code, options: [{ number: 12, value: Uint8Array.of(50) }], payload: utf8(text) };
}

export async function startNonsenseServer(folder: string): Promise<NonsenseServer> {
  const keyFile = join(folder, 'key.json');
  const key = { supi: '001010123456789', aKid, kAkma: toHex(kAkma), expiresAt: '2099-12-31T00:00:00Z' };
  writeFileSync(keyFile, JSON.stringify(key), { mode: 0o600 });
  const planned: Record<string, CoapResponse[]> = {};
  const asked: Record<string, number> = {};
  const udp = createUdpChannel({ host: '127.0.0.1', port: 0 });
  const server = createCoapEndpoint({
    channel: new DtlsServerChannel({
      below: udp,
      clock: systemClock,
      suites: [0xccac],
      identityHint: '3GPP-AKMA',
      resumptionLifetimeMs: 3_600_000,
      psk: (_identity, suite) => new Secret(deriveKaf(kAkma, afIdOctets(fqdn, uaStarIdOfSuite(suite)))),
    }),
    clock: systemClock,
    random: seededRandom(1),
    handler({ payload }) {
      const { msgType } = JSON.parse(fromUtf8(payload)!) as { msgType: string };
      asked[msgType] = (asked[msgType] ?? 0) + 1;
      const answers = planned[msgType] ?? [json(0x44, '{"result":true}')];
      return answers.length > 1 ? answers.shift()! : answers[0];
    },
  });
  await server.start();
  return {
    answers: (msgType, ...answers) => void (planned[msgType] = answers),
    asked: msgType => asked[msgType] ?? 0,
    config: more => ({
      ueServiceId: 'ue-gateway-1@example.com',
      server: { host: '127.0.0.1', port: udp.local!.port, fqdn },
      akma: { keyFile },
      logLevel: 'warn',
      ...more,
    }),
    stop: () => server.stop(),
  };
}
