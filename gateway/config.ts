import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { z } from 'zod';
import { GatewayError, codeOf } from './base/errors.ts';
import { splitHostPort } from './base/host-port.ts';
import { elementNames } from './msgin5g/elements.ts';
import { suiteLabels } from './secure/suites.ts';

const port = z.number().int().min(0).max(65_535);
const hostPort = z
  .string()
  .regex(/^(\[[0-9a-f:.]+\]|[^:[\]\s]+):\d{1,5}$/i, 'is not HOST:PORT')
  .refine(text => splitHostPort(text).port <= 65_535, 'has a port above 65535');
/** A socket for datagrams binds an address; a name may have several. */
const addressPort = hostPort.refine(
  text => isIP(splitHostPort(text).host) !== 0,
  'has a name where a numeric address belongs: 127.0.0.1 for this machine alone, 0.0.0.0 for every network it is on',
);
const identifier = z.string().min(1).max(255);
const suite = z.enum(suiteLabels);

const coap = z.strictObject({
  ackTimeoutMs: z.number().positive().optional(),
  ackRandomFactor: z.number().min(1).optional(),
  maxRetransmit: z.number().int().min(0).max(20).optional(),
  nstart: z.number().int().min(1).optional(),
  exchangeLifetimeMs: z.number().positive().optional(),
});

/** One device of the allow-list. TS 24.538 §6.3.2.2: the gateway is configured with what it recognises devices by. */
const device = z.strictObject({
  name: identifier,
  layer2Id: identifier,
  appId: identifier,
  credential: z.string().min(1).max(1024),
  originator: z.enum(['gateway', 'device']).default('gateway'),
  ueServiceId: identifier.optional(),
});

const serial = z.strictObject({
  id: z.string().regex(/^[a-z0-9-]{1,40}$/, 'is not 1 to 40 of a-z, 0-9 and -'),
  path: z.string().min(1),
  baudRate: z.number().int().min(300).max(4_000_000).default(115_200),
});

const server = z.strictObject({
  host: z.string().min(1),
  port: port.min(1).default(5684),
  /** The AF's FQDN: hashed into K_AF verbatim and sent as server name; apart from the address dialled. */
  fqdn: identifier,
  uriPath: z.array(z.string().max(255)).default(['msgin5g']),
  serviceId: identifier.default('msgin5g'),
});

const akma = z.strictObject({
  /** The provisioned key: SUPI, A-KID, K_AKMA, expiry; mode 0600. */
  keyFile: z.string().min(1),
  uaStarId: z
    .union([z.literal('auto'), z.string().regex(/^[0-9a-f]{10}$/i, 'is neither "auto" nor 10 hexadecimal digits')])
    .default('auto'),
  pskIdentityPrefix: z.string().default('3GPP-AKMA'),
  pskIdentitySeparator: z.enum(['', ';', '.']).default(''),
  requireIdentityHint: z.enum(['warn', 'refuse']).default('warn'),
  suites: z
    .array(suite)
    .min(1)
    .default([...suiteLabels]),
});

/** Where a message of a device goes that names no recipient. TS 29.538, Address. */
const destination = z.strictObject({ addrType: z.enum(['UE', 'AS', 'GROUP', 'BC', 'TOPIC']), addr: identifier });

/** A peer's own words for elements, where they are not ours: names, and values by ours. */
const elements = z.strictObject({
  names: z.partialRecord(z.enum(elementNames), identifier).optional(),
  values: z
    .partialRecord(z.enum(elementNames), z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])))
    .optional(),
});

const schema = z.strictObject({
  site: z.string().max(80).default('Fieldgate'),
  ueServiceId: identifier.optional(),
  /** Where the dashboard listens. */
  listen: hostPort.default('127.0.0.1:7420'),
  /** Names beside `listen`'s host and this machine's own under which a browser may ask. */
  allowedHosts: z.array(z.string().min(1).max(253)).default([]),
  /** Where devices send CoAP over UDP. */
  deviceListen: addressPort.default('127.0.0.1:5683'),
  server: server.optional(),
  akma: akma.optional(),
  serial: z.array(serial).default([]),
  devices: z.array(device).default([]),
  defaultDestination: destination.optional(),
  /** The server's words for elements, and the devices'. */
  serverElements: elements.default({}),
  deviceElements: elements.default({}),
  /** Of payloads on their way to the server. */
  payloadCoding: z.enum(['auto', 'text', 'base64']).default('auto'),
  /** Messages that may wait on either way. */
  maxQueued: z.number().int().min(1).default(100_000),
  /** Toward the server; an agreement with its operator, RFC 7252 §4.8 otherwise. */
  serverCoap: coap.default({}),
  /** Toward devices. */
  deviceCoap: coap.default({}),
  pingAfterSilenceMs: z.number().positive().default(25_000),
  /** Messages that nobody took by then end as expired. */
  messageLifetimeMs: z
    .number()
    .positive()
    .default(7 * 24 * 3_600_000),
  logLevel: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
});

export type Config = z.output<typeof schema>;
export type ConfigInput = z.input<typeof schema>;

/** Checked configuration with every default filled in. Throws `config.invalid` that names each wrong key. */
export function parseConfig(input: unknown, origin: string): Config {
  const result = schema.safeParse(input);
  if (!result.success) {
    const wrong = result.error.issues.map(issue => `${issue.path.join('.') || 'the document'}: ${issue.message}`);
    throw new GatewayError('config.invalid', `${origin}: ${wrong.join('; ')}`, {
      hint: 'docs/configuration.md lists every key with its default',
    });
  }
  checkTogether(result.data, origin);
  return result.data;
}

/** The configuration in a JSON file. */
export function readConfig(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const code = codeOf(cause);
    throw new GatewayError('config.unreadable', `cannot read the configuration ${path}: ${code}`, {
      cause,
      hint: unreadable[code],
    });
  }
  try {
    // Some editors begin a text with a byte order mark, which a reader may ignore. RFC 8259 §8.1.
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    // The engine's own sentence quotes the text, which holds the devices' credentials: it is no cause either.
    const where = /\(line \d+ column \d+\)/.exec(String(error))?.[0];
    throw new GatewayError('config.not-json', `${path} is not JSON${where ? ` ${where}` : ''}`, {
      hint: 'names and texts stand in double quotes, and no comma stands after the last one of a list',
    });
  }
}

const unreadable: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file: correct --config',
  EACCES: 'the account that runs Fieldgate has to be allowed to read it',
  EISDIR: 'that is a directory: name the file in it',
};

/** What no single key can tell. */
function checkTogether(config: Config, origin: string): void {
  const server = config.server !== undefined;
  const needs: [boolean, string][] = [
    [server && config.ueServiceId === undefined, 'server is set, so ueServiceId is needed: the name we register under'],
    [server && config.akma === undefined, 'server is set, so akma.keyFile is needed: the key we authenticate with'],
    ...twice(config.devices.map(d => `${d.layer2Id} / ${d.appId}`)).map((key): [boolean, string] => [
      true,
      `devices: ${key} stands twice`,
    ]),
    ...twice(config.serial.map(s => s.id)).map((id): [boolean, string] => [true, `serial: the id ${id} stands twice`]),
    ...config.devices
      .filter(d => d.originator === 'device' && !d.ueServiceId)
      .map((d): [boolean, string] => [true, `devices: ${d.name} is its own originator, so it needs a ueServiceId`]),
  ];
  const wrong = needs.filter(([isWrong]) => isWrong).map(([, sentence]) => sentence);
  if (wrong.length > 0) throw new GatewayError('config.invalid', `${origin}: ${wrong.join('; ')}`);
}

function twice(keys: readonly string[]): string[] {
  return [...new Set(keys.filter((key, index) => keys.indexOf(key) !== index))];
}
