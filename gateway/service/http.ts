import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import cookie from '@fastify/cookie';
import serveStatic from '@fastify/static';
import websocket from '@fastify/websocket';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { BrowserSessions } from '../access/browser-sessions.ts';
import type { Clock } from '../base/clock.ts';
import { GatewayError, codeOf, messageOf } from '../base/errors.ts';
import { formatHostPort } from '../base/host-port.ts';
import { errorFacts, type Log } from '../base/log.ts';
import { hostRule, isAllowedHost, isSameOrigin, isWildcard } from './http-guard.ts';
import { contentSecurityPolicy, pages, renderPage, type PlainPage } from './http-pages.ts';
import type { Service } from './service.ts';
import { newSocketCounters, socketClients, type SocketCounters } from './sockets.ts';

export interface HttpOptions {
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** Names, beside the listen host and those of this machine, under which a browser may ask. */
  readonly allowedHosts?: readonly string[];
  /** The built dashboard: `out/renderer`. */
  readonly rendererDirectory: string;
  readonly service: Service;
  readonly sessions: BrowserSessions;
  /** What `/health` says: undefined when all is well, otherwise the code of what is wrong. */
  readonly health: () => string | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

export interface HttpCounters extends SocketCounters {
  /** Requests that were not let in: no cookie, a wrong host, a wrong origin. */
  refused: number;
}

export interface HttpServer {
  /** Without the token: `http://127.0.0.1:7420/`. */
  readonly url: string;
  readonly counters: Readonly<HttpCounters>;
  close(): Promise<void>;
}

/** The dashboard and its WebSocket. Rejects with `http.port-taken`, `http.not-built` and the like. */
export async function serveHttp(options: HttpOptions): Promise<HttpServer> {
  const counters: HttpCounters = { ...newSocketCounters(), refused: 0 };
  const clients = socketClients(options.service, options.clock, counters);
  const app = fastify({ logger: false, bodyLimit: 1_024, forceCloseConnections: true });
  setSecurityHeaders(app, readIndex(options.rendererDirectory));
  await app.register(cookie);
  guard(app, options, counters);
  await app.register(websocket, { options: { maxPayload: maxEnvelopeBytes } });
  await app.register(serveStatic, { root: options.rendererDirectory, setHeaders: cacheFor });
  app.get('/ws', { websocket: true }, socket => clients.add(socket));
  app.get('/health', (_request, reply) => {
    const code = options.health();
    return reply
      .code(code === undefined ? 200 : 503)
      .send(code === undefined ? { status: 'ok' } : { status: 'degraded', code });
  });
  app.setNotFoundHandler((_request, reply) => send(reply, pages.notFound));
  app.setErrorHandler((error, _request, reply) => {
    // What a browser asked wrongly, a path out of the dashboard's folder among them, is no news for the log.
    if (isAskedWrongly(error)) return send(reply, pages.notFound);
    options.log.warn('a request failed', errorFacts(error));
    return send(reply, pages.failed);
  });
  app.server.maxConnections = maxConnections;

  const stopClients = clients.start();
  try {
    await app.listen({ host: options.host, port: options.port });
  } catch (cause) {
    stopClients();
    throw listenError(cause, options);
  }
  return {
    url: urlOf(app, options.host),
    counters,
    async close() {
      stopClients();
      await app.close();
    },
  };
}

/** Ours: the largest call is a few hundred octets; this leaves room and bounds what one frame can cost. */
const maxEnvelopeBytes = 65_536;

/** Ours: the clients of the WebSocket and what their browsers load, and never all the files that this process may open. */
const maxConnections = 512;

function isAskedWrongly(error: unknown): boolean {
  const { statusCode = 500 } = error as { statusCode?: number };
  return statusCode < 500 || codeOf(error) === 'ENAMETOOLONG';
}

/** Who is let in. Everything but `/health` needs the cookie, which the token in the link is spent for. */
function guard(app: FastifyInstance, { host, allowedHosts = [], sessions }: HttpOptions, counters: HttpCounters): void {
  const rule = hostRule(host, allowedHosts);
  const refuse = (reply: FastifyReply, page: PlainPage): FastifyReply => {
    counters.refused++;
    // Node hands the socket of an upgrade over for good, so a refused one is ours to end, or `close` waits for the peer.
    if (reply.request.headers.upgrade) reply.raw.once('finish', () => reply.request.raw.socket.destroySoon());
    return send(reply, page);
  };
  app.addHook('onRequest', async (request, reply) => {
    const { host: hostHeader, origin } = request.headers;
    if (!isAllowedHost(rule, hostHeader)) return refuse(reply, pages.wrongHost);
    const path = request.url.split('?', 1)[0];
    // A browser names the origin of every WebSocket; what does not is no page of ours.
    if (origin === undefined ? path === '/ws' : !isSameOrigin(origin, hostHeader))
      return refuse(reply, pages.wrongOrigin);
    if (request.headers.upgrade !== undefined && path !== '/ws') return refuse(reply, pages.notFound);
    if (path === '/health') return;
    const name = cookieName(app);
    const isSignedIn = sessions.isSignedIn(request.cookies[name]);
    const token = path === '/' ? tokenOf(request) : undefined;
    if (token === undefined) return isSignedIn ? undefined : refuse(reply, pages.notSignedIn);
    const sessionId = isSignedIn ? undefined : sessions.spend(token);
    if (!isSignedIn && sessionId === undefined) return refuse(reply, pages.tokenSpent);
    if (sessionId !== undefined)
      void reply.setCookie(name, sessionId, { path: '/', httpOnly: true, sameSite: 'strict' });
    return reply.header('cache-control', 'no-store').redirect('/', 303);
  });
}

/** Cookies do not know ports, so that two gateways on one machine need two names. */
function cookieName(app: FastifyInstance): string {
  return `fieldgate-${portOf(app)}`;
}

function tokenOf(request: FastifyRequest): string | undefined {
  const token = (request.query as Record<string, unknown>).token;
  return typeof token === 'string' ? token : undefined;
}

function send(reply: FastifyReply, page: PlainPage): FastifyReply {
  return reply
    .code(page.status)
    .header('cache-control', 'no-store')
    .type('text/html; charset=utf-8')
    .send(renderPage(page));
}

function setSecurityHeaders(app: FastifyInstance, indexHtml: string): void {
  const headers = {
    'content-security-policy': contentSecurityPolicy(indexHtml),
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
  };
  app.addHook('onRequest', async (_request, reply) => void reply.headers(headers));
}

/** The build names files by their content; the page that names the files is asked for anew each time. */
function cacheFor(reply: FastifyReply, path: string): void {
  const isNamedByContent = /[\\/]assets[\\/]/.test(path);
  void reply.header('cache-control', isNamedByContent ? 'private, max-age=31536000, immutable' : 'no-cache');
}

function readIndex(directory: string): string {
  const path = join(directory, 'index.html');
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new GatewayError('http.not-built', `the dashboard is not built: ${path} cannot be read`, {
      cause,
      hint: 'run: npm run build',
    });
  }
}

function listenError(cause: unknown, { host, port }: HttpOptions): GatewayError {
  const choose = 'choose another with --listen HOST:PORT';
  const sentences: Record<string, [string, string, string]> = {
    EADDRINUSE: [
      'http.port-taken',
      `port ${port} on ${host} is taken by another program`,
      `ss -ltnp shows which one; or ${choose}`,
    ],
    EACCES: [
      'http.port-not-permitted',
      `this account may not listen on port ${port}`,
      `ports below 1024 need a privilege; ${choose}`,
    ],
    EADDRNOTAVAIL: [
      'http.address-not-here',
      `${host} is not an address of this machine`,
      `ip address lists them; ${choose}`,
    ],
    ENOTFOUND: ['http.address-not-here', `the name ${host} has no address`, choose],
  };
  const [code, message, hint] = sentences[codeOf(cause)] ?? [
    'http.listen',
    `cannot listen on ${host} port ${port}: ${messageOf(cause)}`,
    choose,
  ];
  return new GatewayError(code, message, { cause, hint });
}

function portOf(app: FastifyInstance): number {
  const address = app.server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function urlOf(app: FastifyInstance, host: string): string {
  const shown = isWildcard(host) ? '127.0.0.1' : host;
  return `http://${formatHostPort({ host: shown, port: portOf(app) })}/`;
}
