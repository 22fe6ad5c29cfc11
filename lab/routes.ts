import { randomUUID } from 'node:crypto';
import { hex } from '../gateway/base/bytes.ts';
import { GatewayError } from '../gateway/base/errors.ts';
import type { CoapAnswer } from './coap-peer.ts';
import type { ControlBody, ControlRoute } from './control.ts';
import type { Core } from './core.ts';
import type { Device, Endpoint } from './device.ts';
import type { Ledger } from './ledger.ts';
import type { MsgServer } from './server.ts';
import type { Traffic } from './traffic.ts';

export interface LabParts {
  readonly core: Core;
  readonly server: MsgServer;
  readonly ledger: Ledger;
  readonly devices: readonly Device[];
  readonly traffic: Traffic;
}

/** Ours: how often a device measures, and the server sends a command beside that, unless told otherwise. */
const defaultIntervalMs = 5_000;
const defaultCommandIntervalMs = 20_000;

/** The calls of the control port. */
export function labRoutes({ core, server, ledger, devices, traffic }: LabParts): ControlRoute[] {
  const device = (name: string): Device => {
    const found = devices.find(({ identity }) => identity.name === name);
    if (!found)
      throw new GatewayError('lab.unknown-device', `there is no device ${name}`, { hint: 'GET /devices lists them' });
    return found;
  };
  return [
    {
      method: 'POST',
      path: '/devices/start',
      async act({ body }) {
        const gateway = endpointOf(optionalText(body, 'gateway'));
        const intervalMs = number(body, 'intervalMs') ?? defaultIntervalMs;
        await Promise.all(devices.map(each => each.start(gateway, intervalMs)));
        traffic.start(number(body, 'commandIntervalMs') ?? (intervalMs > 0 ? defaultCommandIntervalMs : 0));
        return { started: devices.map(({ identity }) => identity.name) };
      },
    },
    { method: 'GET', path: '/devices', act: () => devices.map(each => each.view()) },
    { method: 'GET', path: '/devices/:name', act: ({ name }) => device(name).view() },
    { method: 'POST', path: '/devices/:name/register', act: async ({ name }) => shown(await device(name).register()) },
    {
      method: 'POST',
      path: '/devices/:name/deregister',
      act: async ({ name }) => shown(await device(name).deregister()),
    },
    {
      method: 'POST',
      path: '/devices/:name/send',
      act: ({ name, body }) => {
        const msgId = optionalText(body, 'msgId') ?? randomUUID();
        const message = { msgId, payload: text(body, 'payload'), delivStReqInd: flag(body, 'delivStReqInd') };
        return withMessageId(msgId, device(name).send(message, number(body, 'timeoutMs')));
      },
    },
    {
      method: 'POST',
      path: '/devices/:name/raw',
      act: ({ name, body }) => device(name).sendRaw(octets(body, 'hex')),
    },
    {
      method: 'GET',
      path: '/server',
      act: () => ({
        registered: [...ledger.registered],
        messages: [...ledger.messages.values()],
        reports: [...ledger.reports.values()],
        duplicates: ledger.duplicates,
        sessions: server.sessionCount,
      }),
    },
    {
      method: 'GET',
      path: '/server/messages',
      act: ({ query }) => {
        const messages = [...ledger.messages.values()];
        return query.get('ids') === '1' ? messages.map(({ msgId, times }) => ({ msgId, times })) : messages;
      },
    },
    {
      method: 'POST',
      path: '/server/send',
      act: ({ body }) => {
        const msgId = optionalText(body, 'msgId') ?? randomUUID();
        const message = { msgId, appId: text(body, 'appId'), payload: text(body, 'payload') };
        return withMessageId(
          msgId,
          server.send({ ...message, delivStReqInd: flag(body, 'delivStReqInd') }, number(body, 'timeoutMs')),
        );
      },
    },
    { method: 'POST', path: '/server/away', act: ({ body }) => server.setAway(mandatoryFlag(body, 'away')) },
    { method: 'POST', path: '/server/forget-sessions', act: () => server.forgetSessions() },
    { method: 'POST', path: '/server/refuse', act: ({ body }) => server.refusePsk(mandatoryFlag(body, 'psk')) },
    {
      method: 'POST',
      path: '/core/authenticate',
      act: ({ body }) => {
        const { aKid, expiresAtMs } = core.authenticate(number(body, 'lifetimeMs'));
        return { aKid, expiresAt: new Date(expiresAtMs).toISOString() };
      },
    },
  ];
}

function shown({ code, body }: CoapAnswer): object {
  return { status: code, response: body ?? {} };
}

/** The message ID goes with the failure too: whoever repeats the message needs it. */
async function withMessageId(msgId: string, exchange: Promise<CoapAnswer>): Promise<object> {
  try {
    return { msgId, ...shown(await exchange) };
  } catch (error) {
    throw Object.assign(error as Error, { msgId });
  }
}

function endpointOf(hostAndPort: string | undefined): Endpoint | undefined {
  if (hostAndPort === undefined) return undefined;
  const [, host, port] = /^([^:]+):(\d{1,5})$/.exec(hostAndPort) ?? [];
  if (!host) throw bad('gateway', 'HOST:PORT');
  return { host, port: Number(port) };
}

function text(body: ControlBody, name: string): string {
  const value = optionalText(body, name);
  if (value === undefined) throw bad(name, 'a text');
  return value;
}

function optionalText(body: ControlBody, name: string): string | undefined {
  const value = body[name];
  if (value !== undefined && typeof value !== 'string') throw bad(name, 'a text');
  return value;
}

function number(body: ControlBody, name: string): number | undefined {
  const value = body[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !(value >= 0)) throw bad(name, 'a number, 0 or more');
  return value;
}

function flag(body: ControlBody, name: string): boolean | undefined {
  const value = body[name];
  if (value !== undefined && typeof value !== 'boolean') throw bad(name, 'true or false');
  return value;
}

function mandatoryFlag(body: ControlBody, name: string): boolean {
  const value = flag(body, name);
  if (value === undefined) throw bad(name, 'true or false');
  return value;
}

function octets(body: ControlBody, name: string): Uint8Array {
  const value = text(body, name);
  if (!/^([0-9a-f]{2})*$/i.test(value)) throw bad(name, 'hexadecimal octets');
  return hex(value);
}

function bad(name: string, expected: string): GatewayError {
  return new GatewayError('lab.bad-request', `${name} has to be ${expected}`);
}
