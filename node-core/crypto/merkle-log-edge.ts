/**
 * The right edge of a log in tiles: the last, unfinished tile of each level. It is all that a node needs to append to a
 * log whose older part it does not have, and to prove what comes after.
 */
import { HASH_BYTES } from './hash-type.ts';
import { TILE_WIDTH, type TileReader } from './merkle-log-tiles.ts';
import { TreeError } from './tree-error.ts';

/** Levels of tiles that a log of 2^53 − 1 leaves has. */
export const MAX_TILE_LEVELS = 7;

/** Hashes in the unfinished tile of each level, and the tile's index. */
function edgeOf(size: number): { readonly index: number; readonly width: number }[] {
  const edge = [];
  for (let rest = size; rest > 0; rest = Math.floor(rest / TILE_WIDTH)) {
    edge.push({ index: Math.floor(rest / TILE_WIDTH), width: rest % TILE_WIDTH });
  }
  return edge;
}

/** One byte string a level, lowest first: 0 to 255 hashes. @throws {TreeError} `missingTile` */
export function rightEdge(reader: TileReader, size: number): Uint8Array[] {
  return edgeOf(size).map(({ index, width }, level) => {
    const length = width * HASH_BYTES;
    if (length === 0) return new Uint8Array(0);
    const tile = reader(level, index);
    if (tile === undefined || tile.length < length)
      throw new TreeError('missingTile', `tile ${level}/${index}: ${tile?.length ?? 0} bytes stored, ${length} needed`);
    return tile.slice(0, length);
  });
}

/** The tiles of an edge, as far as there are any; null when it is not that of a log of this size. */
export function edgeTiles(edge: readonly Uint8Array[], size: number) {
  const expected = edgeOf(size);
  const fits =
    edge.length === expected.length && expected.every(({ width }, i) => edge[i]!.length === width * HASH_BYTES);
  if (!fits) return null;
  const tiles = expected.map(({ index }, level) => ({ level, index, hashes: edge[level]! }));
  return tiles.filter(({ hashes }) => hashes.length > 0);
}
