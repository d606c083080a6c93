import type { Random } from '../../node-core/ports/random.ts';

/**
 * Repeatable randomness (sfc32). Each part of a simulation forks a stream of its own by name, so that what one part
 * draws does not move the others.
 */
export class Chance implements Random {
  private readonly name: string;
  private state: [number, number, number, number];

  constructor(name: string) {
    this.name = name;
    this.state = [hashOf(name, 1), hashOf(name, 2), hashOf(name, 3), 1];
    for (let i = 0; i < 12; i++) this.next();
  }

  fork(name: string): Chance {
    return new Chance(`${this.name}/${name}`);
  }

  private next(): number {
    const [a, b, c, counter] = this.state;
    const sum = (a + b + counter) | 0;
    const rotated = (c << 21) | (c >>> 11);
    this.state = [b ^ (b >>> 9), (c + (c << 3)) | 0, (rotated + sum) | 0, (counter + 1) | 0];
    return sum >>> 0;
  }

  /** In [0, 1). */
  unit(): number {
    return this.next() / 0x1_0000_0000;
  }

  /** An integer in [0, end). */
  below(end: number): number {
    return Math.floor(this.unit() * end);
  }

  /** In [low, high), not rounded. */
  between(low: number, high: number): number {
    return low + this.unit() * (high - low);
  }

  /** True with this probability. */
  is(probability: number): boolean {
    return this.unit() < probability;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  /** Each item with this probability. */
  some<T>(items: readonly T[], probability: number): T[] {
    return items.filter(() => this.is(probability));
  }

  bytes(length: number): Uint8Array {
    const out = new Uint8Array(length);
    for (let i = 0; i < length; i++) out[i] = this.next() >>> 24;
    return out;
  }
}

/** FNV-1a over the text with a salt, then mixed. */
function hashOf(text: string, salt: number): number {
  let hash = 0x811c9dc5 ^ Math.imul(salt, 0x9e3779b9);
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}
