/** Ours: reports come within seconds; what is older than this many messages is looked up on disk. */
const maxOwners = 10_000;

/**
 * Which device a Message ID on MSGin5G-1 belongs to, for the newest messages that wait for a report. A report names the
 * message alone, and on disk Message IDs stand under their device.
 */
export class MessageOwners {
  readonly #layer2Ids = new Map<string, string>();

  remember(messageId: string, layer2Id: string): void {
    this.#layer2Ids.set(messageId, layer2Id);
    if (this.#layer2Ids.size <= maxOwners) return;
    for (const oldest of this.#layer2Ids.keys()) {
      this.#layer2Ids.delete(oldest);
      return;
    }
  }

  find(messageId: string): string | undefined {
    return this.#layer2Ids.get(messageId);
  }
}
