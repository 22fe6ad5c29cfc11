import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { utf8 } from '../gateway/base/bytes.ts';
import { GatewayError, codeOf, hintOf, messageOf } from '../gateway/base/errors.ts';
import { jsonObject } from './coap-peer.ts';

export type ControlBody = Record<string, unknown>;

/** One call of the control port. `path` may hold one `:name`, which is given as `name`. */
export interface ControlRoute {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly act: (call: { name: string; body: ControlBody; query: URLSearchParams }) => unknown;
}

const maxBodyBytes = 65_536;

/** What an error is in HTTP; anything else is 500. */
const httpStatus: Record<string, number> = {
  'lab.unauthorized': 401,
  'lab.unknown-call': 404,
  'lab.unknown-device': 404,
  'lab.bad-request': 400,
  'lab.not-registered': 409,
  'lab.not-started': 409,
  'lab.no-answer': 504,
  'lab.reset': 502,
  'lab.session-lost': 502,
};

/** HTTP on loopback with a bearer token: JSON in, JSON out; an error is `{ code, message, hint? }`. */
export class ControlPort {
  readonly #token: Uint8Array;
  readonly #routes: readonly ControlRoute[];
  #server: Server | undefined;

  constructor(token: string, routes: readonly ControlRoute[]) {
    this.#token = utf8(token);
    this.#routes = routes;
  }

  /** @returns `http://127.0.0.1:PORT` */
  async start(): Promise<string> {
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
    this.#server = undefined;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, value } = await this.#answer(request).then(
      value => ({ status: 200, value }),
      (error: unknown) => ({ status: httpStatus[codeOf(error)] ?? 500, value: errorBody(error) }),
    );
    response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    response.end(`${JSON.stringify(value ?? {})}\n`);
  }

  async #answer(request: IncomingMessage): Promise<unknown> {
    if (!this.#isAuthorized(request))
      throw new GatewayError('lab.unauthorized', 'the bearer token of the ready line is missing', {
        hint: 'send the header authorization: Bearer and the controlToken of the ready line',
      });
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1');
    for (const { method, path, act } of this.#routes) {
      const name = method === request.method ? match(path, pathname) : undefined;
      if (name !== undefined) return act({ name, body: await readBody(request), query: searchParams });
    }
    throw new GatewayError('lab.unknown-call', `there is no ${request.method} ${pathname}`);
  }

  #isAuthorized({ headers }: IncomingMessage): boolean {
    const given = utf8(headers.authorization?.match(/^Bearer (.+)$/)?.[1] ?? '');
    return given.length === this.#token.length && timingSafeEqual(given, this.#token);
  }
}

/** The value of `:name`, an empty text when the pattern has none, or undefined when the path is another. */
function match(pattern: string, pathname: string): string | undefined {
  const expected = pattern.split('/');
  const given = pathname.split('/').map(decodeURIComponent);
  const fits =
    expected.length === given.length && expected.every((part, i) => part.startsWith(':') || part === given[i]);
  return fits ? (given[expected.findIndex(part => part.startsWith(':'))] ?? '') : undefined;
}

async function readBody(request: IncomingMessage): Promise<ControlBody> {
  const pieces: Buffer[] = [];
  let lengthBytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    lengthBytes += piece.length;
    if (lengthBytes > maxBodyBytes)
      throw new GatewayError('lab.bad-request', `the body is longer than ${maxBodyBytes} octets`);
    pieces.push(piece);
  }
  if (lengthBytes === 0) return {};
  const body = jsonObject(Buffer.concat(pieces));
  if (!body) throw new GatewayError('lab.bad-request', 'the body is not a JSON object');
  return body;
}

function errorBody(error: unknown): object {
  const hint = hintOf(error);
  const { msgId } = error as { msgId?: string };
  return { code: codeOf(error), message: messageOf(error), ...(hint ? { hint } : {}), ...(msgId ? { msgId } : {}) };
}
