import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { compile } from '../bench/build.ts';

/** A constrained device on libcoap, in a process of its own: `libcoap-device.c`. */
export interface LibcoapDevice {
  /** UDP port on 127.0.0.1, for both roles. */
  readonly port: number;
  /** Bodies POSTed to its `/msgin5g`, oldest first. Each was answered 2.04. */
  readonly received: readonly string[];
  /** Resolves with the first received body that `wanted` accepts, seen already or still to come. */
  receives(wanted?: (body: string) => boolean): Promise<string>;
  /** POSTs to the gateway, confirmable. `code` is `none` when no answer came. One after the other. */
  post(path: string, body: object): Promise<{ code: string; body: string }>;
  /** Ends the process. May be called twice. */
  stop(): Promise<void>;
}

type Line =
  | { event: 'ready'; port: number }
  | { event: 'answer'; code: string; body: string }
  | { event: 'received'; body: string };

/** Compiles the device unless that was done, and starts it. `port` 0 takes any. */
export async function startLibcoapDevice(gatewayPort: number, port = 0): Promise<LibcoapDevice> {
  const program = compile(
    join(import.meta.dirname, '../../out/interop/libcoap-device'),
    ['test/interop/libcoap-device.c'],
    ['-lcoap-3-notls'],
  );
  const child = spawn(program, ['--gateway', String(gatewayPort), '--port', String(port)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const received: string[] = [];
  const answers: ((answer: { code: string; body: string }) => void)[] = [];
  const watchers = new Set<() => void>();
  let last: Promise<unknown> = Promise.resolve();

  const localPort = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', status => reject(new Error(`libcoap-device ended with status ${status}`)));
    createInterface({ input: child.stdout }).on('line', text => {
      const line = JSON.parse(text) as Line;
      if (line.event === 'ready') resolve(line.port);
      else if (line.event === 'answer') answers.shift()?.({ code: line.code, body: line.body });
      else {
        received.push(line.body);
        for (const look of watchers) look();
      }
    });
  });

  return {
    port: localPort,
    received,
    receives: (wanted = () => true) =>
      new Promise(resolve => {
        const look = () => {
          const body = received.find(wanted);
          if (body === undefined) return;
          watchers.delete(look);
          resolve(body);
        };
        watchers.add(look);
        look();
      }),
    post(path, body) {
      const answer = last.then(
        () =>
          new Promise<{ code: string; body: string }>(resolve => {
            answers.push(resolve);
            child.stdin.write(`post ${path} ${JSON.stringify(body)}\n`);
          }),
      );
      last = answer;
      return answer;
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.stdin.end('quit\n');
      await ended;
    },
  };
}
