import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { GatewayError } from '../gateway/base/errors.ts';

interface Waiting {
  readonly line: string;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * An append-only file of JSON lines. `append` resolves when the line is on disk; lines that wait together share one sync.
 * A line that a crash cut short was never acknowledged and is dropped when the file is opened.
 */
export class DurableLog<T> {
  readonly #file: FileHandle;
  #lengthBytes: number;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;

  private constructor(file: FileHandle, lengthBytes: number) {
    this.#file = file;
    this.#lengthBytes = lengthBytes;
  }

  /** Opens or creates the file and gives what is in it, oldest first. */
  static async open<T>(path: string): Promise<{ log: DurableLog<T>; records: T[] }> {
    const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    try {
      const octets = await file.readFile();
      const lengthBytes = octets.lastIndexOf(0x0a) + 1;
      const lines = octets.subarray(0, lengthBytes).toString('utf8').split('\n').slice(0, -1);
      const records = lines.map((line, index) => parse<T>(line, path, index + 1));
      if (lengthBytes < octets.length) await file.truncate(lengthBytes);
      await syncDirectory(dirname(path));
      return { log: new DurableLog<T>(file, lengthBytes), records };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  append(record: T): Promise<void> {
    const stored = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ line: `${JSON.stringify(record)}\n`, resolve, reject });
    });
    this.#writing ??= this.#write();
    return stored;
  }

  /** May be called twice. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#file.close();
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await this.#store(Buffer.from(batch.map(({ line }) => line).join('')));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    // In the same turn as the last look at the queue: a line appended after it must find nobody writing.
    this.#writing = undefined;
  }

  async #store(octets: Buffer): Promise<void> {
    try {
      for (let written = 0; written < octets.length;) {
        const rest = octets.length - written;
        written += (await this.#file.write(octets, written, rest, this.#lengthBytes + written)).bytesWritten;
      }
      await this.#file.datasync();
      this.#lengthBytes += octets.length;
    } catch (error) {
      // What was refused must not come back as stored when the file is read again.
      await this.#file.truncate(this.#lengthBytes).catch(() => {});
      throw error;
    }
  }
}

function parse<T>(line: string, path: string, number: number): T {
  try {
    return JSON.parse(line) as T;
  } catch (cause) {
    throw new GatewayError('lab.log-damaged', `line ${number} of ${path} is not JSON`, {
      cause,
      hint: 'start with an empty --data',
    });
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  await directory.sync().finally(() => directory.close());
}
