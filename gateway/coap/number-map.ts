/**
 * A map from whole numbers of 32 bits, for the few messages that are open at a time and change with every exchange: a table
 * that is probed onward from the number's own place.
 *
 * A `Map` makes a new table every few dozen such changes and leaves in the old one a reference to the new. Once one of these
 * tables is old for the collector, all that follow stay until it collects everything, and the exchanges in them: four
 * fifths of what it had to move were such.
 */
export class NumberMap<T> {
  #keys = new Int32Array(16);
  #values = new Array<T | undefined>(16).fill(undefined);
  #size = 0;
  /** 32 less the logarithm of how many places there are. */
  #shift = 28;

  get size(): number {
    return this.#size;
  }

  has(key: number): boolean {
    return this.get(key) !== undefined;
  }

  get(key: number): T | undefined {
    return this.#values[this.#placeOf(key)];
  }

  set(key: number, value: T): void {
    // Half of the places stay free, so that a search is short and ends.
    if (2 * this.#size >= this.#keys.length) this.#grow();
    const place = this.#placeOf(key);
    if (this.#values[place] === undefined) this.#size++;
    this.#keys[place] = key;
    this.#values[place] = value;
  }

  delete(key: number): void {
    const mask = this.#keys.length - 1;
    let free = this.#placeOf(key);
    if (this.#values[free] === undefined) return;
    this.#values[free] = undefined;
    this.#size--;
    // Whoever was put further on because of it moves up, or it would not be found any more.
    for (let at = (free + 1) & mask; this.#values[at] !== undefined; at = (at + 1) & mask) {
      const fromOwn = (at - this.#ownPlaceOf(this.#keys[at])) & mask;
      if (fromOwn < ((at - free) & mask)) continue;
      this.#keys[free] = this.#keys[at];
      this.#values[free] = this.#values[at];
      this.#values[at] = undefined;
      free = at;
    }
  }

  /** All that are there now; changes afterwards do not show. */
  values(): T[] {
    return this.#values.filter(value => value !== undefined);
  }

  /** Where the key is, or would be put. */
  #placeOf(key: number): number {
    const mask = this.#keys.length - 1;
    let at = this.#ownPlaceOf(key);
    while (this.#values[at] !== undefined && this.#keys[at] !== (key | 0)) at = (at + 1) & mask;
    return at;
  }

  /**
   * The upper bits of a product with 2^32 divided by the golden ratio: numbers that count up, as Message IDs and a session's
   * tokens do, come to lie evenly apart. Side by side, each deletion would walk over all of them.
   */
  #ownPlaceOf(key: number): number {
    return Math.imul(key, 0x9e37_79b1) >>> this.#shift;
  }

  #grow(): void {
    const keys = this.#keys;
    const values = this.#values;
    this.#keys = new Int32Array(2 * keys.length);
    this.#values = new Array<T | undefined>(2 * keys.length).fill(undefined);
    this.#size = 0;
    this.#shift--;
    values.forEach((value, at) => {
      if (value !== undefined) this.set(keys[at], value);
    });
  }
}
