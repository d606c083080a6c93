import { sha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { concat, utf8 } from '../codec/bytes.ts';
import { inclusionPath, LogFrontier, leafHash, MerkleTree, rootOf } from './merkle-log.ts';
import { verifyConsistency, verifyInclusion } from './merkle-log-proofs.ts';
import {
  appendTiles,
  consistencyFromTiles,
  frontierFromTiles,
  inclusionFromTiles,
  type TileReader,
  type TileWrite,
} from './merkle-log-tiles.ts';

const leaves = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => leafHash(sha256, utf8(`entry ${i}`)));

class TileStore {
  readonly tiles = new Map<string, Uint8Array>();
  readonly read: TileReader = (level, index) => this.tiles.get(`${level}/${index}`);

  write(writes: readonly TileWrite[]): void {
    for (const { level, index, hashes } of writes) this.tiles.set(`${level}/${index}`, hashes);
  }
}

function stored(all: readonly Uint8Array[], blocks: readonly number[]): TileStore {
  const store = new TileStore();
  let size = 0;
  for (const count of blocks) {
    store.write(appendTiles(sha256, store.read, size, all.slice(size, size + count)));
    size += count;
  }
  return store;
}

describe('what is stored', () => {
  test('is what tlog-tiles defines: level L holds the roots of full subtrees of 256^L leaves', () => {
    const all = leaves(70_000);
    const store = stored(all, [all.length]);
    for (let level = 0; level <= 2; level++) {
      const width = 256 ** level;
      const count = Math.floor(all.length / width);
      for (let index = 0; index * 256 < count; index++) {
        const first = index * 256;
        const expected = Array.from({ length: Math.min(256, count - first) }, (_, i) =>
          rootOf(sha256, all.slice((first + i) * width, (first + i + 1) * width)),
        );
        expect(store.read(level, index), `tile ${level}/${index}`).toEqual(concat(...expected));
      }
      expect(store.read(level, Math.ceil(count / 256))).toBeUndefined();
    }
    expect(store.read(3, 0)).toBeUndefined();
  });

  test('does not depend on how the log was cut into blocks', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 6 }), (blocks) => {
        const all = leaves(blocks.reduce((sum, count) => sum + count, 0));
        expect(stored(all, blocks).tiles).toEqual(stored(all, [all.length]).tiles);
      }),
      { numRuns: 40 },
    );
  });

  test('a crash between two tiles is healed by writing the block again', () => {
    const all = leaves(600);
    const store = stored(all, [250]);
    const writes = appendTiles(sha256, store.read, 250, all.slice(250));
    for (let done = 0; done <= writes.length; done++) {
      const crashed = new TileStore();
      crashed.write([...store.tiles].map(([key, hashes]) => ({ level: 0, index: Number(key.split('/')[1]), hashes })));
      crashed.write(writes.slice(0, done));
      expect(inclusionFromTiles(sha256, crashed.read, 3, 250)).toEqual(inclusionPath(sha256, all.slice(0, 250), 3));
      crashed.write(appendTiles(sha256, crashed.read, 250, all.slice(250)));
      expect(crashed.tiles).toEqual(stored(all, [600]).tiles);
    }
  });

  test('only changed tiles are written', () => {
    const all = leaves(1000);
    const store = stored(all, [999]);
    const written = appendTiles(sha256, store.read, 999, all.slice(999)).map(({ level, index }) => `${level}/${index}`);
    expect(written).toEqual(['0/3']);
    expect(appendTiles(sha256, store.read, 999, [])).toEqual([]);
  });
});

describe('proofs from tiles', () => {
  const all = leaves(66_000);
  const store = new TileStore();
  beforeAll(() => store.write(appendTiles(sha256, store.read, 0, all)));

  // Around tile borders, and anywhere.
  const sizes = fc.oneof(
    fc.integer({ min: 1, max: 600 }),
    fc.constantFrom(255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 66_000),
    fc.integer({ min: 1, max: all.length }),
  );

  test('inclusion, at any size up to the stored one, is the path of the tree in memory', () => {
    fc.assert(
      fc.property(
        sizes.chain((size) => fc.tuple(fc.constant(size), fc.nat(size - 1))),
        ([size, index]) => {
          const tree = new MerkleTree(sha256, all.slice(0, size));
          const path = inclusionFromTiles(sha256, store.read, index, size);
          expect(path).toEqual(tree.path(index));
          expect(verifyInclusion(sha256, { leafHash: all[index]!, index, size, path, root: tree.root() })).toBe(true);
        },
      ),
      { numRuns: 30 },
    );
  }, 60_000);

  test('consistency between any two sizes verifies', () => {
    const rootAt = (size: number): Uint8Array => frontierFromTiles(sha256, store.read, size).root();
    fc.assert(
      fc.property(sizes, sizes, (a, b) => {
        const [oldSize, newSize] = a < b ? [a, b] : [b, a];
        const path = consistencyFromTiles(sha256, store.read, oldSize, newSize);
        const proof = { oldSize, oldRoot: rootAt(oldSize), newSize, newRoot: rootAt(newSize), path };
        expect(verifyConsistency(sha256, proof)).toBe(true);
        if (oldSize < newSize) expect(verifyConsistency(sha256, { ...proof, path: path.slice(1) })).toBe(false);
      }),
    );
  }, 60_000);

  test('every pair of small sizes verifies', () => {
    const roots = Array.from({ length: 40 }, (_, size) => rootOf(sha256, all.slice(0, size)));
    for (let newSize = 1; newSize < roots.length; newSize++) {
      for (let oldSize = 1; oldSize <= newSize; oldSize++) {
        const path = consistencyFromTiles(sha256, store.read, oldSize, newSize);
        const proof = { oldSize, oldRoot: roots[oldSize]!, newSize, newRoot: roots[newSize]!, path };
        expect(verifyConsistency(sha256, proof), `${oldSize} to ${newSize}`).toBe(true);
      }
    }
  });

  test('the frontier read back from tiles goes on where the log stopped', () => {
    fc.assert(
      fc.property(fc.nat(700), fc.nat(300), (size, more) => {
        const next = frontierFromTiles(sha256, store.read, size).append(all.slice(size, size + more));
        const whole = LogFrontier.empty(sha256).append(all.slice(0, size + more));
        expect(next.encode()).toEqual(whole.encode());
        expect(next.root()).toEqual(whole.root());
      }),
    );
  });

  test('a missing or short tile is an error of its own, and bad arguments are another', () => {
    const missing = expect.objectContaining({ code: 'missingTile' });
    const without =
      (name: string): TileReader =>
      (level, index) =>
        `${level}/${index}` === name ? undefined : store.read(level, index);
    const short: TileReader = (level, index) => store.read(level, index)?.subarray(0, 32);
    expect(() => inclusionFromTiles(sha256, without('0/0'), 0, 600)).toThrow(missing);
    expect(() => inclusionFromTiles(sha256, short, 0, 600)).toThrow(missing);
    expect(() => consistencyFromTiles(sha256, without('1/0'), 300, 66_000)).toThrow(missing);
    expect(() => appendTiles(sha256, () => undefined, 5, all.slice(0, 1))).toThrow(missing);
    expect(() => frontierFromTiles(sha256, store.read, 66_001)).toThrow(missing);
    for (const [index, size] of [
      [5, 5],
      [-1, 5],
      [0, 0],
      [0.5, 5],
    ] as const) {
      expect(() => inclusionFromTiles(sha256, store.read, index, size)).toThrow(RangeError);
    }
    for (const [oldSize, newSize] of [
      [0, 5],
      [6, 5],
      [-1, 5],
      [1, 5.5],
    ] as const) {
      expect(() => consistencyFromTiles(sha256, store.read, oldSize, newSize)).toThrow(RangeError);
    }
    expect(() => appendTiles(sha256, store.read, -1, [])).toThrow(RangeError);
  });
});
