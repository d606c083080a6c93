/**
 * Rows that follow from blocks: state, tree, log, indexes. They wait in memory and go to the store by the thousand, in
 * the order of their keys: to a tree on a disk, one row here and one there costs ten times as much, and the more the
 * larger it is. What waits is lost in a crash, and comes back by executing the blocks again (ADR 0020).
 */
import { compare, keyText } from '../codec/bytes.ts';
import type { KeyValueStore, Packing, Reads, Write } from '../ports/key-value-store.ts';

interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** Later changes of a key replace earlier ones. */
type Layer = Map<string, Write>;

export class DeferredRows implements Reads {
  private readonly kv: KeyValueStore;
  /** The first takes new rows; the others are on their way to the store, the newest first. */
  private layers: Layer[] = [new Map()];
  private lastFlush: Promise<void> = Promise.resolve();
  /** Bytes that wait, those that were replaced since included. */
  sizeBytes = 0;

  constructor(kv: KeyValueStore) {
    this.kv = kv;
  }

  get packing(): Packing {
    return this.kv.packing;
  }

  /** The bytes are kept: they must not change. */
  add(writes: readonly Write[]): void {
    const layer = this.layers[0]!;
    for (const write of writes) {
      layer.set(keyText(write.key), write);
      this.sizeBytes += write.key.length + (write.value?.length ?? 0);
    }
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const text = keyText(key);
    for (const layer of this.layers) {
      const write = layer.get(text);
      if (write !== undefined) return write.value ?? undefined;
    }
    return this.kv.get(key);
  }

  /** Ascending; for ranges of few rows, as all that waits is looked through. */
  *range(from: Uint8Array, to: Uint8Array, { limit = Number.POSITIVE_INFINITY } = {}): Generator<Entry> {
    let left = limit;
    const waiting = this.waitingIn(keyText(from), keyText(to));
    let next = waiting.shift();
    for (const stored of this.kv.range(from, to)) {
      while (next !== undefined && compare(next.key, stored.key) < 0) {
        if (next.value !== null && left-- > 0) yield { key: next.key, value: next.value };
        next = waiting.shift();
      }
      if (left <= 0) return;
      if (next !== undefined && compare(next.key, stored.key) === 0) continue;
      left -= 1;
      yield stored;
    }
    for (; next !== undefined && left > 0; next = waiting.shift()) {
      if (next.value === null) continue;
      left -= 1;
      yield { key: next.key, value: next.value };
    }
  }

  private waitingIn(from: string, to: string): Write[] {
    const found: Layer = new Map();
    for (const layer of this.layers) {
      for (const [text, write] of layer) if (text >= from && text < to && !found.has(text)) found.set(text, write);
    }
    return inOrder(found);
  }

  /**
   * Writes all that waits and `also`, in one batch; resolves when it is durable, and so is all that was flushed before.
   * @throws {StoreError} What waits can still be read, and the store takes no more.
   */
  flush(also: readonly Write[]): Promise<void> {
    const [layer] = this.layers as [Layer];
    this.layers.unshift(new Map());
    this.sizeBytes = 0;
    const written = this.kv.write([...inOrder(layer), ...also]).then(() => {
      this.layers = this.layers.filter((other) => other !== layer);
    });
    this.lastFlush = Promise.all([this.lastFlush, written]).then(() => {});
    return this.lastFlush;
  }
}

/** Texts of keys order like the keys. */
function inOrder(layer: Layer): Write[] {
  return [...layer.keys()].sort().map((text) => layer.get(text)!);
}
