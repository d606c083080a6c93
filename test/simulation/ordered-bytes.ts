/** What simulated disks and stores in memory keep their rows in. */
import type { Write } from '../../node-core/ports/key-value-store.ts';

export interface RangeOptions {
  readonly limit?: number;
  readonly reverse?: boolean;
}

/** Keys in bytewise order: one character a byte, and JavaScript compares strings by code unit. */
export class OrderedBytes {
  private readonly values = new Map<string, Uint8Array>();
  private keys: string[] = [];

  get size(): number {
    return this.values.size;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.values.get(textOf(key))?.slice();
  }

  apply(batch: readonly Write[]): void {
    for (const { key, value } of batch) {
      const text = textOf(key);
      const isKnown = this.values.has(text);
      if (value === null) {
        if (isKnown) this.keys.splice(this.position(text), 1);
        this.values.delete(text);
      } else {
        if (!isKnown) this.keys.splice(this.position(text), 0, text);
        this.values.set(text, value);
      }
    }
  }

  /** Keys from `from` to before `to`, as they are now; reversed, those at the end first. */
  between(from: Uint8Array, to: Uint8Array, { limit, reverse }: RangeOptions = {}): string[] {
    const [first, end] = [this.position(textOf(from)), this.position(textOf(to))];
    const count = Math.max(0, Math.min(limit ?? Number.POSITIVE_INFINITY, end - first));
    return reverse === true ? this.keys.slice(end - count, end).reverse() : this.keys.slice(first, first + count);
  }

  entry(text: string): { readonly key: Uint8Array; readonly value: Uint8Array } | undefined {
    const value = this.values.get(text);
    return value === undefined ? undefined : { key: bytesOf(text), value: value.slice() };
  }

  /** Keys in order. */
  list(): readonly string[] {
    return this.keys;
  }

  /** One bit of a value is another one: what bad memory and old disks do. */
  flip(text: string, bit: number): void {
    const value = this.values.get(text)!.slice();
    value[(bit >> 3) % value.length]! ^= 1 << (bit & 7);
    this.values.set(text, value);
  }

  copy(): OrderedBytes {
    const copy = new OrderedBytes();
    for (const [key, value] of this.values) copy.values.set(key, value);
    copy.keys = [...this.keys];
    return copy;
  }

  private position(text: string): number {
    let [low, high] = [0, this.keys.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.keys[middle]! < text) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function textOf(key: Uint8Array): string {
  return String.fromCharCode(...key);
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
