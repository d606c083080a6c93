import { sha256 } from '@noble/hashes/sha2.js';
import { describe, expect, test } from 'vitest';
import { toHex, uint64 } from '../codec/bytes.ts';
import { LogFrontier, leafHash, MerkleTree } from './merkle-log.ts';
import { edgeTiles, MAX_TILE_LEVELS, rightEdge } from './merkle-log-edge.ts';
import { appendTiles, frontierFromTiles, inclusionFromTiles, type TileReader } from './merkle-log-tiles.ts';

const leaves = Array.from({ length: 66_400 }, (_, i) => leafHash(sha256, uint64(i)));

/** Tiles in memory, as a store keeps them. */
class Tiles {
  private readonly tiles = new Map<string, Uint8Array>();
  readonly read: TileReader = (level, index) => this.tiles.get(`${level}/${index}`);
  put(tiles: readonly { level: number; index: number; hashes: Uint8Array }[]): this {
    for (const { level, index, hashes } of tiles) this.tiles.set(`${level}/${index}`, hashes);
    return this;
  }
  append(size: number, added: readonly Uint8Array[]): this {
    return this.put(appendTiles(sha256, this.read, size, added));
  }
}

describe('the right edge of a log', () => {
  const sizes = [1, 2, 255, 256, 257, 511, 512, 700, 65_535, 65_536, 65_537, 66_000];
  const whole = new Tiles();
  let written = 0;
  test.each(sizes)(
    'at size %i has the frontier; what is appended to it alone gives the same tiles and proofs',
    (size) => {
      whole.append(written, leaves.slice(written, size));
      written = size;
      const edge = rightEdge(whole.read, size);
      const tiles = edgeTiles(edge, size)!;
      const joined = new Tiles().put(tiles);
      expect(toHex(frontierFromTiles(sha256, joined.read, size).root())).toBe(
        toHex(LogFrontier.empty(sha256).append(leaves.slice(0, size)).root()),
      );
      for (const total of [size + 1, size + 300]) {
        const grown = new Tiles().put(tiles).append(size, leaves.slice(size, total));
        const tree = new MerkleTree(sha256, leaves.slice(0, total));
        for (const index of [size, total - 1]) {
          const path = inclusionFromTiles(sha256, grown.read, index, total);
          expect(path.map(toHex)).toEqual(tree.path(index).map(toHex));
        }
      }
    },
  );

  test('at a size that the log has outgrown is what it was then', () => {
    for (const size of [65_537, 65_700]) {
      const then = new Tiles().append(0, leaves.slice(0, size));
      expect(rightEdge(whole.read, size).map(toHex)).toEqual(rightEdge(then.read, size).map(toHex));
    }
  });

  test('is refused for another size', () => {
    const edge = rightEdge(whole.read, 66_000);
    expect(edgeTiles(edge, 66_000)).not.toBeNull();
    for (const size of [65_999, 66_001, 66_000 + 256, 66_000 - 256, 200, 0]) expect(edgeTiles(edge, size)).toBeNull();
    expect(edgeTiles([...edge, new Uint8Array(0)], 66_000)).toBeNull();
  });

  test('of the largest log has as many levels as the limit says', () => {
    expect(edgeTiles([], 0)).toEqual([]);
    expect(edgeTiles(Array(MAX_TILE_LEVELS).fill(new Uint8Array(0)), 256 ** 6)).toBeNull();
    const largest = [255, 255, 255, 255, 255, 255, 31].map((width) => new Uint8Array(32 * width));
    expect(edgeTiles(largest, Number.MAX_SAFE_INTEGER)).toHaveLength(MAX_TILE_LEVELS);
  });

  test('needs what the size says to be stored', () => {
    expect(() => rightEdge(() => undefined, 5)).toThrow(/missing|bytes stored/);
    expect(() => rightEdge(() => new Uint8Array(64), 3)).toThrow(/64 bytes stored, 96 needed/);
  });
});
