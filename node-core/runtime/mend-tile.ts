/**
 * A tile of the log that the disk has damaged is made anew from what it follows from: the leaves in the blocks, or the
 * tiles below it. It is taken only when it leads to the root of the log.
 */
import { TILE_HASHES } from '../chain/file-paths.ts';
import { HASH_BYTES } from '../chain/identifiers.ts';
import { concat, equal } from '../codec/bytes.ts';
import { leafHash, rootOf } from '../crypto/merkle-log.ts';
import { frontierFromTiles, type TileReader, type TileWrite } from '../crypto/merkle-log-tiles.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { ChainStore } from './chain-store.ts';
import { LogEntries } from './log-entries.ts';

export interface TileName {
  readonly level: number;
  readonly index: number;
}

/** Above this the leaves under one tile are too many to be read again at once; the tiles below have to be right. */
const DEEPEST = 1;

/** Whether it is whole now. @throws {BropError} STORE_CORRUPT when a block that it follows from is damaged. */
export async function mendTile(
  crypto: CryptoProvider,
  store: ChainStore,
  { level, index }: TileName,
): Promise<boolean> {
  const { frontier } = store;
  const isFull = (store.tile(level, index)?.length ?? 0) === TILE_HASHES * HASH_BYTES;
  for (const isDeep of level <= DEEPEST ? [false, true] : [false]) {
    const made = new Map<string, TileWrite>();
    const read: TileReader = (l, i) => made.get(`${l}/${i}`)?.hashes ?? store.tile(l, i);
    for (const tile of isFull ? [{ level, index, width: TILE_HASHES }] : rightEdge(frontier.size)) {
      const hashes = await new Made(crypto, store, read, isDeep).hashes(tile.level, tile.index, tile.width);
      if (hashes === undefined) return false;
      made.set(`${tile.level}/${tile.index}`, { level: tile.level, index: tile.index, hashes });
    }
    const sha256 = (bytes: Uint8Array) => crypto.hash('sha-256', bytes);
    const root = isFull
      ? rootOf(sha256, split(read(level, index)!))
      : frontierFromTiles(sha256, read, frontier.size).root();
    const expected = isFull ? hashAbove(store.tile, level, index) : frontier.root();
    if (expected === undefined || !equal(root, expected)) continue;
    for (const tile of made.values()) store.mendTile(tile);
    return true;
  }
  return false;
}

class Made {
  private readonly crypto: CryptoProvider;
  private readonly entries: LogEntries;
  private readonly read: TileReader;
  private readonly isDeep: boolean;

  /** @param isDeep nothing but leaves is believed. */
  constructor(crypto: CryptoProvider, store: ChainStore, read: TileReader, isDeep: boolean) {
    this.crypto = crypto;
    this.entries = new LogEntries(store);
    this.read = read;
    this.isDeep = isDeep;
  }

  async hashes(level: number, index: number, width: number): Promise<Uint8Array | undefined> {
    const sha256 = (bytes: Uint8Array) => this.crypto.hash('sha-256', bytes);
    const first = index * TILE_HASHES;
    if (level === 0) {
      const leaves = await this.entries.read(first, first + width);
      return leaves === undefined ? undefined : concat(...leaves.map((leaf) => leafHash(sha256, leaf)));
    }
    const roots: Uint8Array[] = [];
    for (let i = first; i < first + width; i++) {
      const below = this.isDeep ? await this.hashes(level - 1, i, TILE_HASHES) : this.read(level - 1, i);
      if (below === undefined) return undefined;
      roots.push(rootOf(sha256, split(below)));
    }
    return concat(...roots);
  }
}

/** The tiles that are not full, from below. */
function rightEdge(size: number): (TileName & { readonly width: number })[] {
  const tiles: (TileName & { readonly width: number })[] = [];
  for (let [level, hashes] = [0, size]; hashes > 0; level++, hashes = Math.floor(hashes / TILE_HASHES)) {
    const width = hashes % TILE_HASHES;
    if (width > 0) tiles.push({ level, index: Math.floor(hashes / TILE_HASHES), width });
  }
  return tiles;
}

function hashAbove(read: TileReader, level: number, index: number): Uint8Array | undefined {
  const at = (index % TILE_HASHES) * HASH_BYTES;
  return read(level + 1, Math.floor(index / TILE_HASHES))?.subarray(at, at + HASH_BYTES);
}

function split(hashes: Uint8Array): Uint8Array[] {
  return Array.from({ length: hashes.length / HASH_BYTES }, (_, i) =>
    hashes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES),
  );
}
