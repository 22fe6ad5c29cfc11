import { join } from 'node:path';
import type { ConfigInput } from '../../gateway/config.ts';
import { startProgram, until, type Program } from './program.ts';

interface Site {
  control: string;
  controlToken: string;
  server: { host: string; port: number; fqdn: string };
  ueServiceId: string;
  keyFile: string;
  serial: { id: string; path: string }[];
  devices: { name: string; layer2Id: string; appId: string; credential: string }[];
}

export interface DeviceView {
  name: string;
  registered: boolean;
  sent: { msgId: string; acknowledged: boolean }[];
  received: { msgId: string; payload: string }[];
  reports: { msgId: string; delivSt: string }[];
}

export interface ServerView {
  registered: string[];
  messages: { msgId: string; appId?: string; payload?: string; times: number }[];
  reports: { msgId: string; delivSt: string }[];
  duplicates: number;
}

/** The lab as a test drives it. */
export interface Lab extends Program {
  readonly site: Site;
  call<T = unknown>(path: string, body?: object): Promise<T>;
  devices(): Promise<DeviceView[]>;
  device(name: string): Promise<DeviceView>;
  server(): Promise<ServerView>;
  /** What a gateway needs to run on this lab. */
  config(more?: ConfigInput): ConfigInput;
}

/** @param more options of the lab: `--ack-timeout-ms 250` lets its ends give up and retry eight times as soon as the RFC's */
export async function startLab(folder: string, more: readonly string[] = []): Promise<Lab> {
  const program = await startProgram(['lab/index.ts', '--data', join(folder, 'lab'), ...more]);
  const site = JSON.parse(program.firstLine) as Site;

  async function call<T>(path: string, body?: object): Promise<T> {
    const response = await fetch(site.control + path, {
      method: body ? 'POST' : 'GET',
      headers: {
        authorization: `Bearer ${site.controlToken}`,
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      body: body && JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  const devices = (): Promise<DeviceView[]> => call('/devices');
  return {
    ...program,
    site,
    call,
    devices,
    device: async name => (await devices()).find(device => device.name === name)!,
    server: () => call('/server'),
    config: more => ({
      ueServiceId: site.ueServiceId,
      server: site.server,
      akma: { keyFile: site.keyFile },
      serial: site.serial,
      devices: site.devices,
      logLevel: 'warn',
      ...more,
    }),
  };
}

/** Message IDs that devices were promised: acknowledged by the gateway, not only received. */
export async function acknowledged(lab: Lab): Promise<string[]> {
  const sent = (await lab.devices()).flatMap(device => device.sent);
  return sent.filter(message => message.acknowledged).map(message => message.msgId);
}

/** The server's view once it has every one of these messages. */
export function serverWithAll(lab: Lab, messageIds: readonly string[], withinMs: number): Promise<ServerView> {
  return until(
    'everything promised at the server',
    async () => {
      const view = await lab.server();
      const there = new Set(view.messages.map(message => message.msgId));
      return messageIds.every(id => there.has(id)) && view;
    },
    withinMs,
  );
}
