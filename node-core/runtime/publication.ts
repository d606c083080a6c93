/**
 * A node's chain as plain files (docs/spec/files.md): snapshots come from the blobs, all else is put together from the
 * store when it is asked for. What the disk has damaged is not given out: blocks are compared with the digests
 * from when they were verified, tiles with the log's root, the anchor and snapshots are verified as their readers do.
 */
import { verifyAnchor } from '../chain/anchor.ts';
import { encodeAnchorFile } from '../chain/anchor-file.ts';
import { type Checkpoint, noteKeyOf, signCheckpoint } from '../chain/checkpoint.ts';
import { BUNDLE_WIDTH, encodeBundle } from '../chain/entries.ts';
import { type ChainFile, hashTilePath, parseChainPath, TILE_HASHES } from '../chain/file-paths.ts';
import type { Header } from '../chain/header.ts';
import { HASH_BYTES, headerHash } from '../chain/identifiers.ts';
import { encodeRow, encodeSegmentHeader, firstHeightOf, segmentOf, segmentPath } from '../chain/segment.ts';
import { encodeNoteKey } from '../chain/signed-note.ts';
import { equal, utf8 } from '../codec/bytes.ts';
import type { Hash } from '../crypto/hash-type.ts';
import { levelAbove } from '../crypto/merkle-log.ts';
import { frontierFromTiles } from '../crypto/merkle-log-tiles.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { TreeError } from '../crypto/tree-error.ts';
import type { Blobs } from '../ports/blobs.ts';
import type { ByteRange, PublishedFiles } from '../ports/chain-files.ts';
import type { Clock } from '../ports/clock.ts';
import { StoreError } from '../ports/key-value-store.ts';
import type { Signer } from '../ports/signer.ts';
import type { ChainStore } from './chain-store.ts';
import { LogEntries } from './log-entries.ts';
import { PublishedSnapshots } from './published-snapshots.ts';
import { RecentFiles } from './recent-files.ts';

export interface PublicationParts {
  readonly crypto: CryptoProvider;
  readonly store: ChainStore;
  readonly blobs: Blobs;
  readonly clock: Clock;
  /** Signs checkpoints, by Ed25519. Without it there is an anchor and no checkpoint. */
  readonly noteSigner?: Signer;
}

/** Checkpoint and anchor are renewed at most so often: who reads one and then the other gets two of one block. */
const HEAD_MS = 1_000;
/** Files computed at the same time; further ones wait. */
const COMPUTED_AT_ONCE = 2;
const DEFAULT_MAX_BYTES = 64 << 20;

interface Head {
  readonly height: number;
  readonly untilMs: number;
  readonly anchor: Uint8Array;
  readonly checkpoint: Uint8Array | undefined;
}

/** A computed file: its length, and its bytes from `offset` on. */
interface Computed {
  readonly length: number;
  bytes(offset: number, length: number): Promise<Uint8Array>;
}

export class Publication implements PublishedFiles {
  private readonly parts: PublicationParts;
  private readonly entries: LogEntries;
  private readonly snapshots: PublishedSnapshots;
  /** Bundles and files of snapshots, whose parts are asked for one after the other. */
  private readonly recent = new RecentFiles();
  private head: Promise<Head | undefined> | null = null;
  /** Log size at which the right edge was last found to lead to the root. */
  private soundSize = 0;
  private readonly sha256 = (bytes: Uint8Array) => this.parts.crypto.hash('sha-256', bytes);
  private readonly waiting: (() => void)[] = [];
  private computing = 0;

  /** @throws {CodecError} when the note signer is not of suite ed25519. */
  constructor(parts: PublicationParts) {
    this.parts = parts;
    this.entries = new LogEntries(parts.store);
    this.snapshots = new PublishedSnapshots(parts);
    if (parts.noteSigner !== undefined) noteKeyOf(parts.store.genesis.hash, parts.noteSigner.publicKey);
  }

  async size(path: string): Promise<number | undefined> {
    const file = parseChainPath(path);
    if (file === undefined) return undefined;
    return this.limited(async () => (await this.compute(file, path))?.length);
  }

  async read(
    path: string,
    { range, maxBytes = DEFAULT_MAX_BYTES }: { readonly range?: ByteRange; readonly maxBytes?: number } = {},
  ): Promise<Uint8Array | undefined> {
    const file = parseChainPath(path);
    if (file === undefined) return undefined;
    return this.limited(async () => {
      const computed = await this.compute(file, path);
      if (computed === undefined) return undefined;
      const offset = Math.min(range?.offset ?? 0, computed.length);
      const length = Math.min(range?.length ?? computed.length, computed.length - offset);
      if (range === undefined && length > maxBytes) throw new StoreError('io', `${path} is ${length} bytes long`);
      return computed.bytes(offset, length);
    });
  }

  private async limited<T>(compute: () => Promise<T>): Promise<T> {
    if (this.computing >= COMPUTED_AT_ONCE) await new Promise<void>((next) => void this.waiting.push(next));
    else this.computing += 1;
    try {
      return await compute();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.computing -= 1;
      else next();
    }
  }

  private async compute(file: ChainFile, path: string): Promise<Computed | undefined> {
    switch (file.kind) {
      case 'genesis':
        return whole(this.parts.store.genesis.bytes);
      case 'anchor':
        return whole((await this.newest())?.anchor);
      case 'checkpoint':
        return whole((await this.newest())?.checkpoint);
      case 'checkpointKey':
        return whole(this.checkpointKey());
      case 'tile':
        return whole(this.tile(file.level, file.index, file.width));
      case 'entries':
        return whole(await this.recent.get(path, () => this.bundle(file.index, file.width)));
      case 'segment':
        return this.segment(file.index, file.count);
      case 'snapshotIndex':
        return whole(await this.snapshots.read(path));
      case 'snapshot':
        return whole(await this.recent.get(path, () => this.snapshots.read(path)));
    }
  }

  private checkpointKey(): Uint8Array | undefined {
    const { crypto, store, noteSigner } = this.parts;
    if (noteSigner === undefined) return undefined;
    return utf8(`${encodeNoteKey(crypto, noteKeyOf(store.genesis.hash, noteSigner.publicKey))}\n`);
  }

  /** A part of a tile is what the tile began with: the log only grows. */
  private tile(level: number, index: number, width: number): Uint8Array | undefined {
    const hashes = this.soundTile(level, index);
    const length = (width * TILE_BYTES) / TILE_HASHES;
    return hashes === undefined || hashes.length < length ? undefined : hashes.slice(0, length);
  }

  /** @throws {StoreError} 'corrupt' when it does not lead to the log's root. */
  private soundTile(level: number, index: number): Uint8Array | undefined {
    const { tile, frontier } = this.parts.store;
    const hashes = tile(level, index);
    if (hashes === undefined) return undefined;
    if (hashes.length < TILE_BYTES) {
      // It is of the log's right edge, all of which goes into the root.
      if (this.soundSize !== frontier.size) this.assertSound(level, index, this.edgeRoot(), frontier.root());
      this.soundSize = frontier.size;
      return hashes;
    }
    const above = this.soundTile(level + 1, Math.floor(index / TILE_HASHES));
    const at = (index % TILE_HASHES) * HASH_BYTES;
    this.assertSound(level, index, tileRoot(this.sha256, hashes), above?.subarray(at, at + HASH_BYTES));
    return hashes;
  }

  private edgeRoot(): Uint8Array | undefined {
    const { tile, frontier } = this.parts.store;
    try {
      return frontierFromTiles(this.sha256, tile, frontier.size).root();
    } catch (error) {
      if (error instanceof TreeError) return undefined;
      throw error;
    }
  }

  private assertSound(level: number, index: number, root: Uint8Array | undefined, expected: Uint8Array | undefined) {
    if (root !== undefined && expected !== undefined && equal(root, expected)) return;
    const path = hashTilePath(level, index);
    this.parts.store.damagedTiles.set(path, { level, index });
    throw new StoreError('corrupt', `${path} does not lead to the root of the log`);
  }

  private async bundle(index: number, width: number): Promise<Uint8Array | undefined> {
    const first = index * BUNDLE_WIDTH;
    const entries = await this.entries.read(first, first + width);
    return entries === undefined ? undefined : encodeBundle(entries);
  }

  /** Row by row, as it may be over a gigabyte. */
  private async segment(segment: number, count: number): Promise<Computed | undefined> {
    const first = firstHeightOf(segment);
    const lengths = this.lengthsOfRows(segment, count);
    if (lengths === undefined) return undefined;
    const header = encodeSegmentHeader(segment, lengths);
    const length = lengths.reduce((sum, row) => sum + row, header.length);
    const bytes = async (offset: number, wanted: number) => {
      const out = new Uint8Array(wanted);
      copyOverlap(out, offset, header, 0);
      let at = header.length;
      for (const [i, rowBytes] of lengths.entries()) {
        if (at < offset + wanted && at + rowBytes > offset) {
          copyOverlap(out, offset, await this.row(first + i, rowBytes), at);
        }
        at += rowBytes;
      }
      return out;
    };
    return { length, bytes };
  }

  private lengthsOfRows(segment: number, count: number): readonly number[] | undefined {
    const { blocks, height } = this.parts.store;
    const first = firstHeightOf(segment);
    if (first + count - 1 > height) return undefined;
    const lengths: number[] = [];
    for (let i = 0; i < count; i++) {
      const length = blocks.rowLength(first + i);
      if (length === undefined) return undefined;
      lengths.push(length);
    }
    return lengths;
  }

  private async row(height: number, length: number): Promise<Uint8Array> {
    const row = await this.parts.store.row(height);
    if (row === undefined) throw new StoreError('io', `block ${height} is no longer here`);
    const bytes = encodeRow(row);
    if (bytes.length === length) return bytes;
    // It has been fetched again meanwhile, with another certificate: the next reader gets that one.
    throw new StoreError('corrupt', `${segmentPath(segmentOf(height))}: its header is not that of its rows`);
  }

  private async newest(): Promise<Head | undefined> {
    const { store, clock } = this.parts;
    const held = await this.head?.catch(() => undefined);
    const isFresh = held !== undefined && (held.height === store.height || clock.now() < held.untilMs);
    if (!isFresh) this.head = this.makeHead();
    return this.head!;
  }

  private async makeHead(): Promise<Head | undefined> {
    const { crypto, store, clock, noteSigner } = this.parts;
    const { height, genesis } = store;
    const certified = await store.certified(height);
    if (certified === undefined) return undefined;
    const anchor = store.anchorOf(certified);
    // What is given out as final has been verified as those will verify who get it.
    const trusted = verifyAnchor(crypto, anchor, genesis.hash);
    if ('code' in trusted) throw new StoreError('corrupt', `block ${height} is not certified: ${trusted.code}`);
    const untilMs = clock.now() + HEAD_MS;
    const checkpoint =
      noteSigner === undefined
        ? undefined
        : await signCheckpoint(
            crypto,
            this.checkpointOf(trusted.header, headerHash(crypto, anchor.header)),
            noteKeyOf(genesis.hash, noteSigner.publicKey),
            (message) => noteSigner.sign(message),
          );
    return { height, untilMs, anchor: encodeAnchorFile(anchor), checkpoint };
  }

  private checkpointOf({ logSize, logRoot, height }: Header, hash: Uint8Array): Checkpoint {
    return { genesisHash: this.parts.store.genesis.hash, size: logSize, root: logRoot, height, headerHash: hash };
  }
}

const TILE_BYTES = 32 * TILE_HASHES;

function tileRoot(hash: Hash, hashes: Uint8Array): Uint8Array {
  let level = hashes;
  while (level.length > HASH_BYTES) level = levelAbove(hash, level);
  return level;
}

function whole(bytes: Uint8Array | undefined): Computed | undefined {
  if (bytes === undefined) return undefined;
  return { length: bytes.length, bytes: async (offset, length) => bytes.slice(offset, offset + length) };
}

/** Copies what `part`, which stands at `at` in the file, has in common with `out`, which stands at `offset`. */
function copyOverlap(out: Uint8Array, offset: number, part: Uint8Array, at: number): void {
  const from = Math.max(at, offset);
  const to = Math.min(at + part.length, offset + out.length);
  if (from < to) out.set(part.subarray(from - at, to - at), from - offset);
}
