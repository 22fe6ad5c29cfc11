import type { Message } from './types.ts';

/**
 * The messages of one way (up to the server, or down to one application) that wait, oldest first: the head of them in
 * memory, the others counted and on disk. Knows nothing of the disk; the outbox brings what it asks for.
 */
export class Lane {
  readonly #windowSize: number;
  /** By row ID. */
  readonly #messages: Message[] = [];
  /** Nothing waits behind the window. The count below tells how much, and may be off until a refill finds the end. */
  #isComplete = true;
  #onDisk = 0;
  /** Up to this row everything has been in the window. */
  #readUpTo = 0;
  #isRefilling = false;

  constructor(windowSize: number) {
    this.#windowSize = windowSize;
  }

  get depth(): number {
    return this.#messages.length + this.#onDisk;
  }

  get readUpTo(): number {
    return this.#readUpTo;
  }

  get oldest(): Message | undefined {
    return this.#messages[0];
  }

  get isIdle(): boolean {
    return this.#isComplete && !this.#isRefilling && this.#messages.length === 0;
  }

  /** A row newer than all others. */
  append(message: Message): void {
    if (this.#isComplete && !this.#isRefilling && this.#messages.length < this.#windowSize) {
      this.#messages.push(message);
      this.#readUpTo = message.rowId;
    } else {
      this.#isComplete = false;
      this.#onDisk++;
    }
  }

  take(): Message | undefined {
    return this.#messages.shift();
  }

  /** To its place by age. @returns false when it is there already */
  put(message: Message): boolean {
    const place = this.#place(message.rowId);
    if (this.#messages[place]?.rowId === message.rowId) return false;
    this.#messages.splice(place, 0, message);
    return true;
  }

  /** @returns the message when it waited in the window */
  remove(rowId: number): Message | undefined {
    const place = this.#place(rowId);
    return this.#messages[place]?.rowId === rowId ? this.#messages.splice(place, 1)[0] : undefined;
  }

  /** A row behind the window waits no more. */
  removeOnDisk(): void {
    this.#onDisk = Math.max(0, this.#onDisk - 1);
  }

  /** Everything is to be read from the disk, where so many wait. */
  reset(onDisk: number): void {
    this.#messages.length = 0;
    this.#isComplete = false;
    this.#onDisk = onDisk;
    this.#readUpTo = 0;
  }

  /** How many rows to read now: none before half of the window is used up. */
  startRefill(): number {
    if (this.#isComplete || this.#isRefilling || this.#messages.length > this.#windowSize / 2) return 0;
    this.#isRefilling = true;
    return this.#windowSize - this.#messages.length;
  }

  /** The rows behind the window, in order, of which `asked` were asked for. Undefined when they could not be read. */
  endRefill(rows: readonly Message[] | undefined, asked: number, isTaken: (rowId: number) => boolean): void {
    this.#isRefilling = false;
    if (!rows) return;
    for (const row of rows) {
      this.#readUpTo = row.rowId;
      if (!isTaken(row.rowId) && this.put(row)) this.removeOnDisk();
    }
    if (rows.length === asked) return;
    this.#isComplete = true;
    this.#onDisk = 0;
  }

  #place(rowId: number): number {
    let low = 0;
    let high = this.#messages.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#messages[middle]!.rowId < rowId) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
