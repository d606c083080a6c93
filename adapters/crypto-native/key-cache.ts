/**
 * A bounded cache, least recently used out first. Importing a raw public key costs 10 to 110 µs, as much as the
 * verification itself; a node sees the same keys again and again, and strangers must not fill its memory.
 */
export class KeyCache<T> {
  private readonly entries = new Map<string, T>();
  private readonly capacity: number;
  private readonly load: (key: Uint8Array) => T;

  /** @param load makes the value for a key; what it throws is not cached. */
  constructor(capacity: number, load: (key: Uint8Array) => T) {
    this.capacity = capacity;
    this.load = load;
  }

  get size(): number {
    return this.entries.size;
  }

  get(key: Uint8Array): T {
    const name = Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
    const known = this.entries.get(name);
    if (known !== undefined) {
      this.entries.delete(name); // A Map iterates in the order of insertion: back to the end with it.
      this.entries.set(name, known);
      return known;
    }
    const value = this.load(key);
    if (this.entries.size >= this.capacity) {
      const oldest = this.entries.keys().next();
      if (!oldest.done) this.entries.delete(oldest.value);
    }
    this.entries.set(name, value);
    return value;
  }
}
