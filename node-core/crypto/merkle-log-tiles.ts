/**
 * The log as stored and published: C2SP tlog-tiles. A tile holds up to 256 hashes of one level of the tree; tile level
 * L holds the roots of full subtrees of 256^L leaves. A full tile never changes; the last of each level grows.
 */
import { HASH_BYTES, type Hash } from './hash-type.ts';
import { assertHashes, concatHashes, foldRight, fullSubtrees, LogFrontier, levelAbove } from './merkle-log.ts';
import { TreeError } from './tree-error.ts';

/** log2 of the tile width. */
const TILE_HEIGHT = 8;
export const TILE_WIDTH = 2 ** TILE_HEIGHT;

/**
 * The stored tile: 1 to 256 hashes of 32 bytes, one after the other. More hashes than the log's size calls for are
 * allowed and ignored (tiles may be written ahead of the commit that makes them count).
 */
export type TileReader = (level: number, index: number) => Uint8Array | undefined;

/** The whole new content of a tile. It replaces what was stored, of which it is an extension. */
export type TileWrite = { readonly level: number; readonly index: number; readonly hashes: Uint8Array };

/**
 * The tiles to write when leaves are appended to a log of `size`. Each starts with what was there: to write them
 * twice, or to crash between two of them and start again, does no harm.
 *
 * @throws {RangeError} when a leaf hash is not 32 bytes long or `size` is not a size.
 * @throws {TreeError} `missingTile`
 */
export function appendTiles(
  hash: Hash,
  reader: TileReader,
  size: number,
  newLeafHashes: readonly Uint8Array[],
): TileWrite[] {
  assertSize(size);
  assertHashes(newLeafHashes);
  const writes: TileWrite[] = [];
  let added = concatHashes(newLeafHashes);
  let width = size;
  for (let level = 0; added.length > 0; level++) {
    const tiles = extendRow(reader, level, width, added);
    writes.push(...tiles);
    const full = tiles.filter((tile) => tile.hashes.length === TILE_WIDTH * HASH_BYTES);
    added = concatHashes(full.map((tile) => reduceToRoot(hash, tile.hashes)));
    width = Math.floor(width / TILE_WIDTH);
  }
  return writes;
}

/**
 * The path of RFC 9162 §2.1.3.1 for any tree size up to the stored one.
 *
 * @throws {RangeError} when there is no such leaf. @throws {TreeError} `missingTile`
 */
export function inclusionFromTiles(hash: Hash, reader: TileReader, index: number, size: number): Uint8Array[] {
  assertSize(size);
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) {
    throw new RangeError(`no leaf ${index} in a log of ${size}`);
  }
  const tiles = rememberTiles(reader);
  const fromRoot: Uint8Array[] = [];
  let start = 0;
  let end = size;
  while (end - start > 1) {
    const middle = start + largestPowerOfTwoBelow(end - start);
    if (index < middle) {
      fromRoot.push(rangeRoot(hash, tiles, middle, end));
      end = middle;
    } else {
      fromRoot.push(rangeRoot(hash, tiles, start, middle));
      start = middle;
    }
  }
  return fromRoot.reverse();
}

/**
 * The path of RFC 9162 §2.1.4.1 between any two sizes up to the stored one; empty when they are equal.
 *
 * @throws {RangeError} unless 0 < oldSize ≤ newSize. @throws {TreeError} `missingTile`
 */
export function consistencyFromTiles(hash: Hash, reader: TileReader, oldSize: number, newSize: number): Uint8Array[] {
  assertSize(oldSize);
  assertSize(newSize);
  if (oldSize === 0 || oldSize > newSize) throw new RangeError(`no consistency path from ${oldSize} to ${newSize}`);
  const tiles = rememberTiles(reader);
  const fromRoot: Uint8Array[] = [];
  let start = 0;
  let end = newSize;
  while (end !== oldSize) {
    const middle = start + largestPowerOfTwoBelow(end - start);
    if (oldSize <= middle) {
      fromRoot.push(rangeRoot(hash, tiles, middle, end));
      end = middle;
    } else {
      fromRoot.push(rangeRoot(hash, tiles, start, middle));
      start = middle;
    }
  }
  // A verifier that holds the old root has this hash when the old tree is itself a subtree: SUBPROOF's flag b.
  if (start !== 0) fromRoot.push(rangeRoot(hash, tiles, start, end));
  return fromRoot.reverse();
}

/** The frontier of the stored log, for a node that starts; its root is the log root at `size`. */
export function frontierFromTiles(hash: Hash, reader: TileReader, size: number): LogFrontier {
  assertSize(size);
  const tiles = rememberTiles(reader);
  const hashes = fullSubtrees(0, size).map(({ level, index }) => fullSubtreeRoot(hash, tiles, level, index));
  return LogFrontier.decode(hash, size, hashes);
}

/** The changed tiles of one level, when `added` comes after the `width` hashes it has. */
function extendRow(reader: TileReader, level: number, width: number, added: Uint8Array): TileWrite[] {
  const first = Math.floor(width / TILE_WIDTH);
  const keptBytes = (width % TILE_WIDTH) * HASH_BYTES;
  const row = new Uint8Array(keptBytes + added.length);
  if (keptBytes > 0) row.set(readHashes(reader, level, first, 0, keptBytes));
  row.set(added, keptBytes);
  const tileBytes = TILE_WIDTH * HASH_BYTES;
  return Array.from({ length: Math.ceil(row.length / tileBytes) }, (_, i) => ({
    level,
    index: first + i,
    hashes: row.slice(i * tileBytes, (i + 1) * tileBytes),
  }));
}

/** The root over leaves [start, end), a range that RFC 9162's proofs ask for. */
function rangeRoot(hash: Hash, reader: TileReader, start: number, end: number): Uint8Array {
  const roots = fullSubtrees(start, end).map(({ level, index }) => fullSubtreeRoot(hash, reader, level, index));
  return foldRight(hash, roots);
}

function fullSubtreeRoot(hash: Hash, reader: TileReader, level: number, index: number): Uint8Array {
  const width = 2 ** (level % TILE_HEIGHT);
  const first = index * width;
  const offset = (first % TILE_WIDTH) * HASH_BYTES;
  const tile = { level: Math.floor(level / TILE_HEIGHT), index: Math.floor(first / TILE_WIDTH) };
  return reduceToRoot(hash, readHashes(reader, tile.level, tile.index, offset, offset + width * HASH_BYTES));
}

/** The root over a power of two of hashes. */
function reduceToRoot(hash: Hash, hashes: Uint8Array): Uint8Array {
  let level = hashes;
  while (level.length > HASH_BYTES) level = levelAbove(hash, level);
  return level.slice();
}

function readHashes(reader: TileReader, level: number, index: number, start: number, end: number): Uint8Array {
  const tile = reader(level, index);
  if (tile === undefined || tile.length < end) {
    throw new TreeError('missingTile', `tile ${level}/${index}: ${tile?.length ?? 0} bytes stored, ${end} needed`);
  }
  return tile.subarray(start, end);
}

/** A proof reads most of its tiles several times. */
function rememberTiles(reader: TileReader): TileReader {
  const seen = new Map<string, Uint8Array | undefined>();
  return (level, index) => {
    const key = `${level}/${index}`;
    const known = seen.get(key);
    if (known !== undefined) return known;
    const tile = reader(level, index);
    seen.set(key, tile);
    return tile;
  };
}

function largestPowerOfTwoBelow(n: number): number {
  let power = 1;
  while (power * 2 < n) power *= 2;
  return power;
}

function assertSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`${size} is not a log size`);
}
