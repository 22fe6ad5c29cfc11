import { inspect } from 'node:util';

/** Key octets that do not show: JSON, template strings and inspection give their length only. */
export class Secret {
  readonly #octets: Uint8Array;

  constructor(octets: Uint8Array) {
    this.#octets = octets;
  }

  /** The octets themselves. The call is the place where a reviewer looks. */
  reveal(): Uint8Array {
    return this.#octets;
  }

  toString(): string {
    return `‹${this.#octets.length} octets›`;
  }

  toJSON(): string {
    return this.toString();
  }

  [inspect.custom](): string {
    return this.toString();
  }
}
