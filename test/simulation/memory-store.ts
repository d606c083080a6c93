/** An in-memory KeyValueStore that keeps the order of keys. */
import { compare, toHex } from '../../node-core/codec/bytes.ts';
import type { KeyValueStore, Packing, ReadView, Write } from '../../node-core/ports/key-value-store.ts';

/** What is in memory need not be short. */
export const asTheyAre: Packing = {
  pack: (bytes) => bytes,
  unpack: (packed) => (packed.length > 64 << 20 ? null : packed),
};

export class MemoryStore implements KeyValueStore {
  readonly packing: Packing;
  private entries = new Map<string, { readonly key: Uint8Array; readonly value: Uint8Array }>();

  constructor(packing: Packing = asTheyAre) {
    this.packing = packing;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.entries.get(toHex(key))?.value;
  }

  *range(from: Uint8Array, to: Uint8Array, options: { readonly limit?: number; readonly reverse?: boolean } = {}) {
    const found = [...this.entries.values()].filter(({ key }) => compare(key, from) >= 0 && compare(key, to) < 0);
    found.sort((a, b) => compare(a.key, b.key));
    if (options.reverse === true) found.reverse();
    yield* found.slice(0, options.limit ?? found.length);
  }

  snapshot(): ReadView {
    const view = new MemoryStore();
    view.entries = new Map(this.entries);
    return {
      packing: this.packing,
      get: (key) => view.get(key),
      range: (from, to, options) => view.range(from, to, options),
      close: () => {},
    };
  }

  async write(batch: readonly Write[]): Promise<void> {
    for (const { key, value } of batch) {
      if (value === null) this.entries.delete(toHex(key));
      else this.entries.set(toHex(key), { key: key.slice(), value: value.slice() });
    }
  }

  async close(): Promise<void> {}
}
