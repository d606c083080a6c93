/** An in-memory KeyValueStore that keeps the order of keys. */
import type { KeyValueStore, Packing, ReadView, Write } from '../../node-core/ports/key-value-store.ts';
import { OrderedBytes, type RangeOptions } from './ordered-bytes.ts';

/** What is in memory need not be short. */
export const asTheyAre: Packing = {
  pack: (bytes) => bytes,
  unpack: (packed) => (packed.length > 64 << 20 ? null : packed),
};

export class MemoryStore implements KeyValueStore {
  readonly packing: Packing;
  private readonly rows = new OrderedBytes();

  constructor(packing: Packing = asTheyAre) {
    this.packing = packing;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.rows.get(key);
  }

  range(from: Uint8Array, to: Uint8Array, options?: RangeOptions) {
    return entriesOf(this.rows, from, to, options);
  }

  snapshot(): ReadView {
    const then = this.rows.copy();
    return {
      packing: this.packing,
      get: (key) => then.get(key),
      range: (from, to, options) => entriesOf(then, from, to, options),
      close: () => {},
    };
  }

  async write(batch: readonly Write[]): Promise<void> {
    this.rows.apply(batch.map(({ key, value }) => ({ key, value: value === null ? null : value.slice() })));
  }

  async close(): Promise<void> {}
}

/** As they are when the first one is asked for. */
function* entriesOf(rows: OrderedBytes, from: Uint8Array, to: Uint8Array, options?: RangeOptions) {
  yield* rows.between(from, to, options).map((key) => rows.entry(key)!);
}
