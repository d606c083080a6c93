/**
 * Writes snapshots (docs/spec/snapshots.md) from a view of the store, in slices between which blocks go on. Everything
 * that is published has been hashed on the way: a snapshot that this node could not prove never gets its manifest.
 */
import { BropError } from '../chain/codes.ts';
import {
  type ChunkEntry,
  chunkHead,
  chunkPath,
  encodeEntry,
  encodeSnapshot,
  entryBytes,
  hasChunk,
  MAX_CHUNK_BYTES,
  manifestPath,
  SNAPSHOT_INDEX,
  stateHashOf,
  verifySnapshot,
} from '../chain/snapshot.ts';
import { concat, equal, utf8 } from '../codec/bytes.ts';
import type { Hash } from '../crypto/hash-type.ts';
import { rightEdge } from '../crypto/merkle-log-edge.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { SubtreeBuilder, type TreePart } from '../crypto/state-subtree.ts';
import { stateKeyHash, stateValueHash } from '../crypto/state-tree.ts';
import type { Blobs } from '../ports/blobs.ts';
import type { Clock } from '../ports/clock.ts';
import { type ReadView, StoreError } from '../ports/key-value-store.ts';
import type { Log } from '../ports/log.ts';
import type { ChainStore } from './chain-store.ts';
import { readIndex } from './snapshot-read.ts';
import { stateRowsUnder } from './state-rows.ts';

/** Entries that are read, hashed and encoded before others get their turn: some 3 ms. */
const ENTRIES_AT_ONCE = 200;
const HEX_DIGITS = '0123456789abcdef';

export interface SnapshotPorts {
  readonly crypto: CryptoProvider;
  readonly store: ChainStore;
  readonly blobs: Blobs;
  readonly clock: Clock;
  /** Asked between slices: false gives up. Whatever was written by then is taken up or removed by the next snapshot. */
  readonly goesOn?: () => boolean;
}

export interface WrittenSnapshot {
  readonly height: number;
  readonly entries: number;
  readonly chunks: number;
  /** Chunks that were not there yet, and their bytes. */
  readonly newChunks: number;
  readonly newBytes: number;
}

/**
 * Writes the snapshot of the newest height, or of one that came after the call, and removes all but the newest `keep`.
 * @throws {BropError} SNAPSHOT_UNAVAILABLE before the first block; STORE_CORRUPT when the store's state does not have
 *   the root that its header says. @throws {StoreError} `closed` when it is given up, others of store and blobs.
 */
export async function writeSnapshot(ports: SnapshotPorts, keep: number): Promise<WrittenSnapshot> {
  const { crypto, store, blobs } = ports;
  const { view, height, logSize } = await store.flushedView();
  try {
    // Tiles may be ahead of the view; the edge is of its size.
    const logEdge = rightEdge(store.tile, logSize);
    const anchor = await store.anchor(height);
    if (anchor === undefined) throw new BropError('SNAPSHOT_UNAVAILABLE', 'the chain has no block yet');
    const walk = new Walk(ports, view, stateHashOf(crypto, store));
    await walk.cut('');
    const manifest = encodeSnapshot({ anchor, logEdge, parts: walk.parts });
    const verified = verifySnapshot(crypto, manifest, height, store.genesis.hash);
    if ('code' in verified) throw new BropError('STORE_CORRUPT', `height ${height}: ${verified.detail}`);
    await blobs.put(manifestPath(height), [manifest]);
    await removeOld(ports, height, keep);
    const { entries, newChunks, newBytes } = walk;
    return { height, entries, chunks: walk.parts.filter(hasChunk).length, newChunks, newBytes };
  } finally {
    view.close();
  }
}

/** Cuts the state into chunks, depth first, and stores those that are not there yet. */
class Walk {
  readonly parts: TreePart[] = [];
  entries = 0;
  newChunks = 0;
  newBytes = 0;
  private readonly ports: SnapshotPorts;
  private readonly view: ReadView;
  private readonly hash: Hash;
  private sincePause = 0;

  constructor(ports: SnapshotPorts, view: ReadView, hash: Hash) {
    this.ports = ports;
    this.view = view;
    this.hash = hash;
  }

  /** A part that is too large for one chunk is read as far as one chunk goes, and again in its children. */
  async cut(path: string): Promise<void> {
    const entries: Uint8Array[] = [];
    const builder = new SubtreeBuilder(this.hash, path);
    let sizeBytes = 0;
    for (const { keyHash, key, value } of stateRowsUnder(this.view, path)) {
      const entry: ChunkEntry = [key, value];
      sizeBytes += entryBytes(entry);
      if (sizeBytes > MAX_CHUNK_BYTES) {
        for (const digit of HEX_DIGITS) await this.cut(path + digit);
        return;
      }
      const isSound =
        equal(keyHash, stateKeyHash(this.hash, key)) && builder.add(keyHash, stateValueHash(this.hash, value));
      if (!isSound) throw new BropError('STORE_CORRUPT', `a row of the state under ${path} is not what its key says`);
      entries.push(encodeEntry(entry));
      this.sincePause += 1;
      if (this.sincePause >= ENTRIES_AT_ONCE) await this.pause();
    }
    const part = { path, subtree: builder.finish() };
    this.parts.push(part);
    this.entries += entries.length;
    if (hasChunk(part)) await this.put(part, concat(chunkHead(entries.length), ...entries));
  }

  private async put(part: TreePart, chunk: Uint8Array): Promise<void> {
    const path = chunkPath(this.hash, part.subtree);
    const { blobs } = this.ports;
    // Its name says what it holds; one that does not was damaged. It is read only when its length is right.
    const isThere = (await blobs.size(path)) === chunk.length;
    const there = isThere ? await blobs.read(path, { maxBytes: MAX_CHUNK_BYTES }) : undefined;
    if (there !== undefined && equal(there, chunk)) return;
    await blobs.put(path, [chunk]);
    this.newChunks += 1;
    this.newBytes += chunk.length;
  }

  private async pause(): Promise<void> {
    this.sincePause = 0;
    const { clock, goesOn } = this.ports;
    await new Promise<void>((next) => void clock.schedule(0, next));
    if (goesOn?.() === false) throw new StoreError('closed', 'the snapshot is given up');
  }
}

/** The index first: what it names is there at every moment. Then old manifests, then the chunks that nobody names. */
async function removeOld({ crypto, store, blobs }: SnapshotPorts, newest: number, keep: number): Promise<void> {
  const indexed = await readIndex(blobs);
  // An index that is damaged is written anew.
  const older = 'code' in indexed ? [] : indexed.filter((height) => height < newest);
  const heights = [...older, newest];
  const kept = heights.slice(-keep);
  await blobs.put(SNAPSHOT_INDEX, [utf8(kept.map((height) => `${height}\n`).join(''))]);
  const named = new Set<string>();
  const hash = stateHashOf(crypto, store);
  for (const height of kept) {
    const manifest = await blobs.read(manifestPath(height));
    const snapshot = manifest && verifySnapshot(crypto, manifest, height, store.genesis.hash);
    if (snapshot === undefined || 'code' in snapshot) continue;
    for (const part of snapshot.parts.filter(hasChunk)) named.add(chunkPath(hash, part.subtree));
  }
  const keptPaths = new Set([SNAPSHOT_INDEX, ...kept.map(manifestPath)]);
  for (const path of await blobs.list('snapshots/')) if (!keptPaths.has(path)) await blobs.remove(path);
  for (const path of await blobs.list('state/')) if (!named.has(path)) await blobs.remove(path);
}

export interface SnapshotPolicy {
  /** A snapshot after each block whose height this divides; 0: none. */
  readonly every: number;
  /** Snapshots that are kept: the newest. */
  readonly keep: number;
}

/** Writes snapshots while the node runs, one at a time. A failure is logged and costs that snapshot, never the node. */
export class SnapshotWriter {
  private readonly ports: SnapshotPorts;
  private readonly policy: SnapshotPolicy;
  private readonly log: Log;
  private underWay: Promise<void> | null = null;
  private stopped = false;

  constructor(ports: SnapshotPorts, policy: SnapshotPolicy, log: Log) {
    this.ports = { ...ports, goesOn: () => !this.stopped };
    this.policy = policy;
    this.log = log;
  }

  /** To be called in the turn in which a block became part of the chain. */
  afterBlock(height: number): void {
    const { every } = this.policy;
    if (this.stopped || every === 0 || height % every !== 0) return;
    if (this.underWay !== null) {
      this.log.warn('no snapshot: the one before it is still being written', { height });
      return;
    }
    this.underWay = this.write(height).finally(() => {
      this.underWay = null;
    });
  }

  private async write(height: number): Promise<void> {
    try {
      this.log.info('a snapshot is written', { ...(await writeSnapshot(this.ports, this.policy.keep)) });
    } catch (error) {
      if (!this.stopped) this.log.error('a snapshot could not be written', { height, error: String(error) });
    }
  }

  /** Resolves when the one under way has ended, whole or given up. Afterwards the store may be closed. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.underWay;
  }
}
