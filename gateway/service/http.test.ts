import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { BrowserSessions } from '../access/browser-sessions.ts';
import { systemClock } from '../base/clock.ts';
import { silentLog } from '../base/log.ts';
import { serveHttp, type HttpOptions, type HttpServer } from './http.ts';
import { createService } from './service.ts';
import { TestSource } from './test-source.ts';

let directory: string;
let sessions: BrowserSessions;
let server: HttpServer;
let source: TestSource;
let healthCode: string | undefined;
let open: { close(): unknown }[];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'fieldgate-http-'));
  mkdirSync(join(directory, 'assets'));
  writeFileSync(join(directory, 'index.html'), '<!doctype html><script>let theme = 1;</script><p>the dashboard</p>');
  writeFileSync(join(directory, 'assets', 'app-1a2b.js'), 'export const a = 1;');
  sessions = new BrowserSessions();
  source = new TestSource(systemClock);
  healthCode = undefined;
  open = [];
  server = await serve();
});

afterEach(async () => {
  for (const thing of open) await thing.close();
  rmSync(directory, { recursive: true });
});

async function serve(change: Partial<HttpOptions> = {}): Promise<HttpServer> {
  const started = await serveHttp({
    host: '127.0.0.1',
    port: 0,
    rendererDirectory: directory,
    service: createService(source, silentLog),
    sessions,
    health: () => healthCode,
    clock: systemClock,
    log: silentLog,
    ...change,
  });
  open.push(started);
  return started;
}

/** With node:http, because fetch sets Host and Origin itself. */
function get(
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: Record<string, unknown>; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, server.url), { headers }, response => {
      let text = '';
      response.on('data', (data: Buffer) => (text += data.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    sent.on('error', reject).end();
  });
}

async function signIn(): Promise<string> {
  const { headers } = await get(`/?token=${sessions.newToken()}`);
  return String(headers['set-cookie']).split(';')[0];
}

describe('the link with the token', () => {
  test('is spent for a cookie that no script can read, and leads to the page without the token', async () => {
    const { status, headers } = await get(`/?token=${sessions.newToken()}`);
    expect(status).toBe(303);
    expect(headers.location).toBe('/');
    expect(headers['cache-control']).toBe('no-store');
    expect(String(headers['set-cookie'])).toMatch(
      /^fieldgate-\d+=[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; SameSite=Strict$/,
    );
  });

  test('opens the page, again and again', async () => {
    const cookie = await signIn();
    for (let i = 0; i < 2; i++) expect((await get('/', { cookie })).text).toContain('the dashboard');
  });

  test('used a second time by another browser says how to get a new one', async () => {
    const token = sessions.newToken();
    await get(`/?token=${token}`);
    const { status, text, headers } = await get(`/?token=${token}`);
    expect(status).toBe(401);
    expect(text).toContain('This link was used already');
    expect(text).toContain('it prints a new link');
    expect(headers['set-cookie']).toBeUndefined();
  });

  test('used a second time by the same browser leads to the page, and spends nothing', async () => {
    const cookie = await signIn();
    const token = sessions.newToken();
    expect((await get(`/?token=${token}`, { cookie })).status).toBe(303);
    expect(sessions.spend(token)).toBeDefined();
  });

  test('given twice in one link is no token', async () => {
    expect((await get('/?token=a&token=b')).status).toBe(401);
  });
});

describe('without the cookie', () => {
  test('the page says in plain words what to do', async () => {
    const { status, text, headers } = await get('/');
    expect(status).toBe(401);
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(text).toContain('This browser is not signed in');
    expect(text).not.toContain('the dashboard</p>');
  });

  test('no file is given out, nor told whether it is there', async () => {
    expect((await get('/assets/app-1a2b.js')).status).toBe(401);
    expect((await get('/nothing')).status).toBe(401);
    expect((await get('/', { cookie: 'fieldgate-1=x' })).status).toBe(401);
  });

  test('only health is told', async () => {
    expect(await get('/health')).toMatchObject({ status: 200, text: '{"status":"ok"}' });
    healthCode = 'store.disk-full';
    expect(await get('/health')).toMatchObject({ status: 503, text: '{"status":"degraded","code":"store.disk-full"}' });
  });
});

describe('with the cookie', () => {
  test('files named by their content are kept, the page is asked for anew', async () => {
    const cookie = await signIn();
    expect((await get('/', { cookie })).headers['cache-control']).toBe('no-cache');
    expect((await get('/assets/app-1a2b.js', { cookie })).headers['cache-control']).toContain('immutable');
  });

  test('an address that is not there is said to be so', async () => {
    expect(await get('/nothing', { cookie: await signIn() })).toMatchObject({
      status: 404,
      text: expect.stringContaining('There is no such page'),
    });
  });

  test('nothing outside the built dashboard is given out', async () => {
    const cookie = await signIn();
    const long = `/${'a'.repeat(5_000)}`;
    for (const path of ['/../../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd', '/..%2f..%2fetc%2fpasswd', '/%00', long]) {
      const { status, text } = await get(path, { cookie });
      expect(status).toBe(404);
      expect(text).not.toContain('root:');
    }
  });
});

test('every answer carries the headers that keep other pages out', async () => {
  for (const path of ['/', '/health', '/nothing']) {
    const { headers } = await get(path);
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
      'cross-origin-opener-policy': 'same-origin',
    });
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    // printf 'let theme = 1;' | openssl dgst -sha256 -binary | base64
    expect(policy).toContain("script-src 'self' 'sha256-vd8VuAMUV91jFOgQ0EHyeKEp0q6RTqVQxXmyqHStngU='");
    expect(policy).not.toContain('unsafe');
  }
});

test('another name for this machine is not answered, cookie or not', async () => {
  const cookie = await signIn();
  expect(await get('/', { cookie, host: 'evil.example' })).toMatchObject({
    status: 421,
    text: expect.stringContaining('does not answer to this name'),
  });
  expect((await get('/health', { host: 'evil.example' })).status).toBe(421);
  expect((await get('/', { cookie, origin: 'http://evil.example' })).status).toBe(403);
  expect(server.counters.refused).toBe(3);
});

describe('the WebSocket', () => {
  const socketUrl = (): string => server.url.replace('http', 'ws') + 'ws';
  const origin = (): string => server.url.replace(/\/$/, '');

  /** The first message, or the status of the refusal. */
  function dial(
    headers: Record<string, string>,
    greeting: string | Uint8Array = '{"type":"call","id":1,"name":"system.facts"}',
    url = socketUrl(),
  ) {
    const socket = new WebSocket(url, { headers });
    open.unshift({ close: () => socket.terminate() });
    return new Promise<string>((resolve, reject) => {
      socket.on('open', () => socket.send(greeting));
      socket.on('message', data => resolve(String(data)));
      socket.on('unexpected-response', (_request, response) => resolve(String(response.statusCode)));
      socket.on('close', code => resolve(`closed ${code}`));
      socket.on('error', reject);
    });
  }

  test('answers calls of a page of ours', async () => {
    const answer = await dial({ cookie: await signIn(), origin: origin() });
    expect(JSON.parse(answer)).toMatchObject({ type: 'result', id: 1, value: { site: 'Nordhafen 3' } });
  });

  test('is refused without the cookie, from another page, from no page, and by another name', async () => {
    const cookie = await signIn();
    expect(await dial({ origin: origin() })).toBe('401');
    expect(await dial({ cookie, origin: 'http://evil.example' })).toBe('403');
    expect(await dial({ cookie })).toBe('403');
    expect(await dial({ cookie, origin: 'http://evil.example', host: 'evil.example' })).toBe('421');
  });

  test('is nowhere but at its own address', async () => {
    const headers = { cookie: await signIn(), origin: origin() };
    expect(await dial(headers, undefined, `${origin().replace('http', 'ws')}/elsewhere`)).toBe('404');
  });

  test('answers what is no envelope, binary too', async () => {
    const headers = { cookie: await signIn(), origin: origin() };
    for (const greeting of ['hello', new Uint8Array([1, 2, 3])]) {
      expect(JSON.parse(await dial(headers, greeting))).toMatchObject({ error: { code: 'rpc.malformed' } });
    }
  });

  test('ends at a frame above the limit, and counts it', async () => {
    // RFC 6455 §7.4.1: 1009, a message too big to process
    expect(await dial({ cookie: await signIn(), origin: origin() }, 'x'.repeat(65_537))).toBe('closed 1009');
    expect(server.counters.broken).toBe(1);
  });

  test('ends with "going away" when the server stops', async () => {
    const cookie = await signIn();
    const socket = new WebSocket(socketUrl(), { headers: { cookie, origin: origin() } });
    await new Promise(resolve => socket.on('open', resolve));
    const closed = new Promise(resolve => socket.on('close', resolve));
    await server.close();
    expect(await closed).toBe(1_001);
  });
});

describe('what stands in the way of listening', () => {
  test('a port that is taken is named, with what to do', async () => {
    const other = createServer();
    await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve));
    open.push(other);
    const address = other.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    await expect(serve({ port })).rejects.toMatchObject({
      code: 'http.port-taken',
      message: `port ${port} on 127.0.0.1 is taken by another program`,
      hint: expect.stringContaining('--listen HOST:PORT'),
    });
  });

  test('an address of another machine is named', async () => {
    // RFC 5737: 192.0.2.0/24 is nobody's.
    await expect(serve({ host: '192.0.2.1' })).rejects.toMatchObject({ code: 'http.address-not-here' });
  });

  test('a dashboard that is not built says how to build it', async () => {
    await expect(serve({ rendererDirectory: join(directory, 'none') })).rejects.toMatchObject({
      code: 'http.not-built',
      hint: 'run: npm run build',
    });
  });
});
