import { Worker } from 'node:worker_threads';
import { GatewayError, messageOf, type Failure } from '../base/errors.ts';
import { errorOf } from './sqlite-failure.ts';
import type { SqlRow, SqlValue } from './sql.ts';
import type { QueryName } from './statements.ts';
import type { Batch, Done, FromWriter, Opened, ToWriter, WriterOptions } from './writer-messages.ts';

export interface WriterListener {
  done(done: Done): void;
  /** Nothing of the batch in hand is on disk. */
  failed(failure: Failure): void;
  /** The thread, once opened, ended without being asked to. */
  died(error: GatewayError): void;
}

interface Question {
  resolve(rows: readonly SqlRow[]): void;
  reject(error: GatewayError): void;
}

/** The event loop's end of the writer thread: posts, and hands each answer to whom it belongs. */
export class WriterThread {
  readonly #worker: Worker;
  readonly #listener: WriterListener;
  readonly #questions = new Map<number, Question>();
  readonly #opened = Promise.withResolvers<Opened>();
  readonly #closed = Promise.withResolvers<void>();
  #asked = 0;
  /** An end now is news: it has opened, and nobody asked it to end. */
  #isRunning = false;

  constructor(file: URL, options: WriterOptions, listener: WriterListener) {
    this.#listener = listener;
    this.#opened.promise.catch(() => {});
    this.#worker = new Worker(file, { workerData: options, name: 'store-writer' });
    this.#worker.on('message', (message: FromWriter) => this.#take(message));
    this.#worker.on('error', error => this.#ended(messageOf(error)));
    this.#worker.on('exit', code => this.#ended(`exit code ${code}`));
  }

  opened(): Promise<Opened> {
    return this.#opened.promise;
  }

  run(batch: Batch): void {
    this.#post({ type: 'batch', batch });
  }

  query(name: QueryName, values: readonly SqlValue[]): Promise<readonly SqlRow[]> {
    const id = ++this.#asked;
    return new Promise((resolve, reject) => {
      this.#questions.set(id, { resolve, reject });
      this.#post({ type: 'query', id, name, values });
    });
  }

  /** After what was posted before is done. */
  close(): Promise<void> {
    this.#isRunning = false;
    this.#post({ type: 'close' });
    return this.#closed.promise;
  }

  #post(message: ToWriter): void {
    this.#worker.postMessage(message);
  }

  #take(message: FromWriter): void {
    switch (message.type) {
      case 'opened':
        this.#isRunning = true;
        return this.#opened.resolve(message);
      case 'not-opened':
        return this.#opened.reject(errorOf(message.failure));
      case 'done':
        return this.#listener.done(message);
      case 'failed':
        return this.#listener.failed(message.failure);
      case 'rows':
        return this.#question(message.id)?.resolve(message.rows);
      case 'query-failed':
        return this.#question(message.id)?.reject(errorOf(message.failure));
      case 'closed':
        return this.#closed.resolve();
    }
  }

  #question(id: number): Question | undefined {
    const question = this.#questions.get(id);
    this.#questions.delete(id);
    return question;
  }

  #ended(reason: string): void {
    const error = new GatewayError('store.writer-died', `the store's writer thread ended: ${reason}`, {
      hint: 'it starts again by itself; when it does not, restart Fieldgate and send the log',
    });
    this.#opened.reject(error);
    this.#closed.resolve();
    for (const question of this.#questions.values()) question.reject(error);
    this.#questions.clear();
    if (!this.#isRunning) return;
    this.#isRunning = false;
    this.#listener.died(error);
  }
}
