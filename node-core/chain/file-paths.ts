/**
 * Which files a chain consists of, and where: docs/spec/files.md. The paths are the same in a folder, behind a node's
 * HTTP server and in a bucket.
 */
import { BUNDLE_WIDTH, bundlePath } from './entries.ts';
import { SEGMENT_HEIGHTS, segmentPath } from './segment.ts';
import { SNAPSHOT_INDEX } from './snapshot.ts';
import { partialPath, tileNumber, tilePath } from './tile-path.ts';

export const GENESIS_PATH = 'genesis.cbor';
export const CHECKPOINT_PATH = 'checkpoint';
/** The public key of the checkpoint's signer, as `encodeNoteKey` writes it, and a newline. */
export const CHECKPOINT_KEY_PATH = 'checkpoint.vkey';
export const ANCHOR_PATH = 'anchor.cbor';

/** Hashes of a full tile. */
export const TILE_HASHES = 256;
const MAX_LEVEL = 63;
export const MAX_PATH_CHARACTERS = 200;

/** What a path stands for; `width` and `count` are 256 for what is full. */
export type ChainFile =
  | { readonly kind: 'genesis' | 'checkpoint' | 'checkpointKey' | 'anchor' | 'snapshotIndex' }
  | { readonly kind: 'tile'; readonly level: number; readonly index: number; readonly width: number }
  | { readonly kind: 'entries'; readonly index: number; readonly width: number }
  | { readonly kind: 'segment'; readonly index: number; readonly count: number }
  /** Manifests of snapshots and their chunks. */
  | { readonly kind: 'snapshot' };

const SINGLE: ReadonlyMap<string, ChainFile> = new Map([
  [GENESIS_PATH, { kind: 'genesis' }],
  [CHECKPOINT_PATH, { kind: 'checkpoint' }],
  [CHECKPOINT_KEY_PATH, { kind: 'checkpointKey' }],
  [ANCHOR_PATH, { kind: 'anchor' }],
  [SNAPSHOT_INDEX, { kind: 'snapshotIndex' }],
]);

const NUMBERED = /^(tile\/entries|tile\/(0|[1-9]\d?)|blocks)\/((?:x\d{3}\/)*\d{3})(?:\.p\/([1-9]\d{0,2}))?$/;
const SNAPSHOT = /^(snapshots\/[1-9]\d{0,15}|state\/[0-9a-f]{64})$/;

/** What a path stands for; undefined for every text that is no path of a chain's file. */
export function parseChainPath(path: string): ChainFile | undefined {
  if (path.length > MAX_PATH_CHARACTERS) return undefined;
  const single = SINGLE.get(path);
  if (single !== undefined) return single;
  if (SNAPSHOT.test(path)) return { kind: 'snapshot' };
  const found = NUMBERED.exec(path);
  if (found === null) return undefined;
  const [, what, level, number, part] = found;
  const index = tileNumber(number!);
  const width = part === undefined ? TILE_HASHES : Number(part);
  if (index === undefined || (part !== undefined && width >= TILE_HASHES)) return undefined;
  if (what === 'blocks') return { kind: 'segment', index, count: width };
  if (what === 'tile/entries') return { kind: 'entries', index, width };
  return Number(level) > MAX_LEVEL ? undefined : { kind: 'tile', level: Number(level), index, width };
}

/** Whether what is served under the path never changes. */
export function isImmutable({ kind }: ChainFile): boolean {
  return kind === 'genesis' || kind === 'tile' || kind === 'entries' || kind === 'segment' || kind === 'snapshot';
}

/** `tile/<level>/x001/234`, with `.p/<width>` while it has fewer than 256 hashes. */
export function hashTilePath(level: number, index: number, width: number = TILE_HASHES): string {
  const path = `tile/${level}/${tilePath(index)}`;
  return width === TILE_HASHES ? path : partialPath(path, width);
}

/**
 * The tiles of hashes of a log of `size` leaves: full ones, and the partial one at the end of each level.
 * @param from without those that were full when the log had so many leaves.
 */
export function* hashTilePaths(size: number, from = 0): Generator<string> {
  let before = from;
  for (let level = 0, width = size; width > 0; level++, width = Math.floor(width / TILE_HASHES)) {
    before = Math.floor(before / TILE_HASHES);
    for (let index = before; index * TILE_HASHES < width; index++) {
      yield hashTilePath(level, index, Math.min(TILE_HASHES, width - index * TILE_HASHES));
    }
  }
}

/** The bundles of entries of a log of `size` leaves. @param from as for {@link hashTilePaths} */
export function* bundlePaths(size: number, from = 0): Generator<string> {
  for (let index = Math.floor(from / BUNDLE_WIDTH); index * BUNDLE_WIDTH < size; index++) {
    yield bundlePath(index, Math.min(BUNDLE_WIDTH, size - index * BUNDLE_WIDTH));
  }
}

/** The segments of a chain of `height` blocks with the number of blocks in each, from `from` on. */
export function* segmentsUpTo(height: number, from = 0): Generator<{ readonly index: number; readonly count: number }> {
  for (let index = from; index * SEGMENT_HEIGHTS < height; index++) {
    yield { index, count: Math.min(SEGMENT_HEIGHTS, height - index * SEGMENT_HEIGHTS) };
  }
}

/** @param from without those that were full when the chain had so many blocks. */
export function* segmentPaths(height: number, from = 0): Generator<string> {
  const first = Math.floor(from / SEGMENT_HEIGHTS);
  for (const { index, count } of segmentsUpTo(height, first)) yield segmentPath(index, count);
}
