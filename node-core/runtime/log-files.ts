/** The files of the log, one after the other as its leaves come: what a verifier compares with the files that it has. */
import { BUNDLE_WIDTH, bundlePath, encodeBundle } from '../chain/entries.ts';
import { hashTilePath, TILE_HASHES } from '../chain/file-paths.ts';
import type { Hash } from '../crypto/hash-type.ts';
import { concatHashes, leafHash, rootOf } from '../crypto/merkle-log.ts';

export interface LogFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

interface Level {
  /** Of the tile that is being filled. */
  index: number;
  hashes: Uint8Array[];
}

export class LogFiles {
  private readonly hash: Hash;
  private readonly levels: Level[] = [];
  private bundle: { index: number; entries: Uint8Array[] } = { index: 0, entries: [] };

  constructor(hash: Hash) {
    this.hash = hash;
  }

  /** Appends a leaf and gives the files that it fills. */
  add(leaf: Uint8Array): LogFile[] {
    const full: LogFile[] = [];
    const { bundle } = this;
    bundle.entries.push(leaf);
    if (bundle.entries.length === BUNDLE_WIDTH) {
      full.push({ path: bundlePath(bundle.index), bytes: encodeBundle(bundle.entries) });
      this.bundle = { index: bundle.index + 1, entries: [] };
    }
    let carried: Uint8Array | null = leafHash(this.hash, leaf);
    for (let at = 0; carried !== null; at++) {
      this.levels[at] ??= { index: 0, hashes: [] };
      const level: Level = this.levels[at]!;
      level.hashes.push(carried);
      carried = null;
      if (level.hashes.length < TILE_HASHES) continue;
      full.push({ path: hashTilePath(at, level.index), bytes: concatHashes(level.hashes) });
      carried = rootOf(this.hash, level.hashes);
      this.levels[at] = { index: level.index + 1, hashes: [] };
    }
    return full;
  }

  /** The files that are not full. */
  rest(): LogFile[] {
    const { index, entries } = this.bundle;
    const partial = this.levels.flatMap((level, at) => {
      const width = level.hashes.length;
      return width === 0 ? [] : [{ path: hashTilePath(at, level.index, width), bytes: concatHashes(level.hashes) }];
    });
    if (entries.length === 0) return partial;
    return [{ path: bundlePath(index, entries.length), bytes: encodeBundle(entries) }, ...partial];
  }
}
