/** How long the last commits took, hand-over to fsync. */
export class CommitTimes {
  readonly #durationsMs = new Float64Array(1_000);
  #count = 0;

  add(durationMs: number): void {
    this.#durationsMs[this.#count++ % this.#durationsMs.length] = durationMs;
  }

  get count(): number {
    return this.#count;
  }

  /** 0 before the first. */
  summary(): { p50Ms: number; maxMs: number } {
    const sorted = this.#durationsMs.slice(0, Math.min(this.#count, this.#durationsMs.length)).sort();
    return { p50Ms: sorted[sorted.length >> 1] ?? 0, maxMs: sorted.at(-1) ?? 0 };
  }
}
