import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { startLab } from './lab.ts';
import { startGateway, temporaryFolder } from './program.ts';
import { freeUdpPort } from '../udp-ports.ts';

const root = join(import.meta.dirname, '..', '..');
const folder = temporaryFolder();
afterAll(() => folder.remove());

/** What the command said and how it ended. */
async function fieldgate(args: readonly string[], node = process.execPath) {
  try {
    const { stdout, stderr } = await promisify(execFile)(node, ['bin/fieldgate.mjs', ...args], {
      cwd: root,
      timeout: 30_000,
    });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

describe('the command line', () => {
  test('--version and --help answer and end', async () => {
    expect(await fieldgate(['--version'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
    expect((await fieldgate(['--help'])).stdout).toContain('--device-listen HOST:PORT');
  });

  test('a mistake ends with 1, its sentence and what to do', async () => {
    const { code, stderr, stdout } = await fieldgate(['run', '--datta', 'x']);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain('--datta');
    expect(stderr).toContain('fieldgate --help');
  });

  test('without a server it says what is missing', async () => {
    const { code, stderr } = await fieldgate(['run', '--data', join(folder.path, 'none')]);
    expect(code).toBe(1);
    expect(stderr).toContain('config.no-server');
    expect(stderr).toContain('--lab');
  });

  test('doctor names what is in the way and ends with 1', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise(resolve => server.once('listening', resolve));
    const listen = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { code, stdout } = await fieldgate([
      'doctor',
      '--data',
      join(folder.path, 'none'),
      '--listen',
      listen,
      '--device-listen',
      '127.0.0.1:0',
    ]);
    server.close();
    expect(code).toBe(1);
    expect(stdout).toContain(`${listen} is taken by another program`);
  });

  // The machine's own Node, where it is older than ours: the door must answer, not crash.
  test.runIf(existsSync('/usr/bin/node'))('on an older Node it runs the pinned one', async () => {
    const { code, stdout } = await fieldgate(
      ['doctor', '--data', join(folder.path, 'none'), '--listen', '127.0.0.1:0', '--device-listen', '127.0.0.1:0'],
      '/usr/bin/node',
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/node +Node 2[4-9]\./);
  });
});

test('a second gateway on the same data is told who has it; ports that are taken are named', async () => {
  const lab = await startLab(folder.path);
  const deviceListen = `127.0.0.1:${await freeUdpPort()}`;
  const gateway = await startGateway(folder.path, lab.config({ deviceListen }));
  try {
    const config = join(folder.path, 'fieldgate.json');
    const same = await fieldgate([
      'run',
      '--config',
      config,
      '--data',
      join(folder.path, 'data'),
      '--listen',
      '127.0.0.1:0',
    ]);
    expect(same).toMatchObject({ code: 1, stderr: expect.stringContaining('store.locked') });
    expect(same.stderr).toContain(`process ${gateway.process.pid}`);
    const listen = new URL(gateway.url).host;
    const other = await fieldgate([
      'run',
      '--config',
      config,
      '--data',
      join(folder.path, 'other'),
      '--listen',
      listen,
    ]);
    expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining('http.port-taken') });
    const health = await fetch(`${new URL(gateway.url).origin}/health`);
    expect(health.status).toBe(200);
    const link = (await fieldgate(['link', '--data', join(folder.path, 'data')])).stdout.trim();
    expect(link).toMatch(/\?token=/);
    expect(link).not.toBe(gateway.url);
    const signedIn = await fetch(link, { redirect: 'manual' });
    expect(signedIn.headers.get('set-cookie')).toContain('HttpOnly');
    // A crash would leave the keys in the core file.
    const limits = readFileSync(`/proc/${gateway.process.pid}/limits`, 'utf8');
    expect(limits).toMatch(/Max core file size +0 +0 /);
  } finally {
    await gateway.stop();
    await lab.stop();
  }
});
