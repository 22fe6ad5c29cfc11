import { join } from 'node:path';
import { BrowserSessions } from '../../gateway/access/browser-sessions.ts';
import { systemClock } from '../../gateway/base/clock.ts';
import { silentLog } from '../../gateway/base/log.ts';
import { serveHttp, type HttpServer } from '../../gateway/service/http.ts';
import { createService } from '../../gateway/service/service.ts';
import type { TestSource } from '../../gateway/service/test-source.ts';

/** The real HTTP server with the built page, over a gateway written by hand. */
export class Dashboard {
  readonly source: TestSource;
  #sessions = new BrowserSessions();
  #server: HttpServer | undefined;
  #port = 0;

  constructor(source: TestSource) {
    this.source = source;
  }

  /** Listens; after the first time on the same port, as a gateway does that was started again. */
  async start(): Promise<void> {
    this.#server = await serveHttp({
      host: '127.0.0.1',
      port: this.#port,
      rendererDirectory: join(import.meta.dirname, '../../out/renderer'),
      service: createService(this.source, silentLog),
      sessions: this.#sessions,
      health: () => undefined,
      clock: systemClock,
      log: silentLog,
    });
    this.#port = Number(new URL(this.#server.url).port);
  }

  async stop(): Promise<void> {
    await this.#server?.close();
    this.#server = undefined;
  }

  /** As a new process has it: no browser is known any more. */
  forgetBrowsers(): void {
    this.#sessions = new BrowserSessions();
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  /** A link as the ready line prints it. */
  newLink(): string {
    return `${this.url}?token=${this.#sessions.newToken()}`;
  }
}
