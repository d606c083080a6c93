/**
 * Brings the plain files of a chain (docs/spec/files.md), as far as it is final here, to a place where others read them: the
 * data first, the anchor that names them last, so that what a reader finds named is there at every moment. What is there
 * already stays; whatever breaks off is gone on with.
 */
import { verifyAnchor } from '../chain/anchor.ts';
import { ANCHOR_FILE_LIMITS, decodeAnchorFile } from '../chain/anchor-file.ts';
import { BropError } from '../chain/codes.ts';
import { BUNDLE_WIDTH, bundlePath, decodeBundle, encodeBundle } from '../chain/entries.ts';
import {
  ANCHOR_PATH,
  bundlePaths,
  GENESIS_PATH,
  hashTilePaths,
  parseChainPath,
  segmentPaths,
} from '../chain/file-paths.ts';
import {
  encodeRow,
  encodeSegmentHeader,
  firstHeightOf,
  type Row,
  readRow,
  rowLength,
  SEGMENT_HEIGHTS,
  segmentOf,
} from '../chain/segment.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { Blobs } from '../ports/blobs.ts';
import type { ChainFiles } from '../ports/chain-files.ts';
import { StoreError } from '../ports/key-value-store.ts';
import type { ChainStore } from './chain-store.ts';
import { pieces, readHeads } from './files-copy.ts';
import { LogEntries } from './log-entries.ts';
import { copySnapshots, nameSnapshots } from './publish-snapshots.ts';

export interface PublishPorts {
  readonly crypto: CryptoProvider;
  readonly store: ChainStore;
  /** The chain of this node as plain files. */
  readonly files: ChainFiles;
  readonly target: Blobs;
  /** Highest snapshot that is published; all of them without it. */
  readonly snapshotsUpTo?: (() => number) | undefined;
  /** Asked between two files: false gives up. */
  readonly goesOn: () => boolean;
}

/** How far the target has the chain: all that an anchor of this height and log size names. */
export interface Published {
  readonly height: number;
  readonly logSize: number;
}

/** Files under way at once; most are some kilobytes. */
const FILES_AT_ONCE = 4;

/** How far the target is, by its verified anchor. @throws {BropError} CHAIN_FILE when it is one of another chain. */
export async function publishedIn({ crypto, store, target }: PublishPorts): Promise<Published> {
  const bytes = await target.read(ANCHOR_PATH, { maxBytes: ANCHOR_FILE_LIMITS.maxBytes });
  if (bytes === undefined) return { height: 0, logSize: 0 };
  const trusted = verifyAnchor(crypto, decodeAnchorFile(bytes), store.genesis.hash);
  if ('code' in trusted)
    throw new BropError('CHAIN_FILE', `${ANCHOR_PATH}: the place has another chain: ${trusted.code}`);
  return trusted.header;
}

/**
 * Publishes what has become final since `from`.
 * @returns how far the target is now: `from` when there is nothing new.
 * @throws {StoreError} 'closed' when it is given up, others of target and store. @throws {BropError} CHAIN_FILE, STORE_CORRUPT
 */
export async function publishFiles(ports: PublishPorts, from: Published): Promise<Published> {
  const { crypto, store, files, target } = ports;
  if (store.height <= from.height) return from;
  const { trusted, files: heads } = await readHeads(crypto, files, store.genesis.hash);
  const { height, logSize } = trusted.header;
  if (height <= from.height) return from;
  if (from.height === 0) await target.put(GENESIS_PATH, [store.genesis.bytes]);
  // Before the rest, which may take longer than the node keeps them.
  const snapshots = await copySnapshots(ports, height);
  await new Pass(ports, from).all(pathsBetween(from, { height, logSize }));
  // The anchor is the first of them and is written last: what it names is there by then.
  for (const [path, bytes] of [...heads].reverse()) await target.put(path, [bytes]);
  // After the anchor: who begins at one of them and publishes on finds all that came before it.
  if (snapshots !== undefined) await nameSnapshots(target, snapshots);
  return { height, logSize };
}

/** Files that the one names and the other did not, full ones and those at the end. */
export function* pathsBetween(from: Published, to: Published): Generator<string> {
  yield* segmentPaths(to.height, from.height);
  yield* hashTilePaths(to.logSize, from.logSize);
  yield* bundlePaths(to.logSize, from.logSize);
}

/** Of what an anchor names, that which is not full: it is replaced by something wider. */
export function partialPaths(at: Published): string[] {
  return [...pathsBetween(at, at)].filter((path) => path.includes('.p/'));
}

class Pass {
  private readonly ports: PublishPorts;
  private readonly from: Published;
  private readonly entries: LogEntries;

  constructor(ports: PublishPorts, from: Published) {
    this.ports = ports;
    this.from = from;
    this.entries = new LogEntries(ports.store);
  }

  async all(paths: Iterator<string>): Promise<void> {
    let failed = false;
    const lane = async () => {
      try {
        for (let next = paths.next(); !failed && next.done !== true; next = paths.next()) await this.one(next.value);
      } catch (error) {
        failed = true;
        throw error;
      }
    };
    const lanes = await Promise.allSettled(Array.from({ length: FILES_AT_ONCE }, lane));
    for (const ended of lanes) if (ended.status === 'rejected') throw ended.reason;
  }

  private async one(path: string): Promise<void> {
    const { target, files, goesOn } = this.ports;
    if (!goesOn()) throw new StoreError('closed', 'publishing is given up');
    if ((await target.size(path)) !== undefined) return;
    const isHere = (await files.read(path, { range: { offset: 0, length: 1 } })) !== undefined;
    const content = isHere ? pieces(files, path) : await this.joined(path);
    if (content !== undefined) await target.put(path, content);
  }

  /**
   * A file whose beginning is not here, as the store begins at a snapshot or has pruned it: it is in what was published
   * before, here or by an earlier life of this node. undefined when nobody has published it before the snapshot: the place
   * begins later than the chain.
   */
  private async joined(path: string): Promise<Iterable<Uint8Array> | AsyncIterable<Uint8Array> | undefined> {
    const file = parseChainPath(path);
    const { origin } = this.ports.store;
    if (file?.kind === 'segment' && origin !== null && firstHeightOf(file.index) <= origin.header.height)
      return this.joinedSegment(file.index, file.count);
    if (file?.kind === 'entries') {
      const bundle = await this.joinedBundle(file.index, file.width);
      const isBeforeOrigin = origin !== null && file.index * BUNDLE_WIDTH < origin.header.logSize;
      if (bundle !== undefined || isBeforeOrigin) return bundle;
    }
    if (file?.kind === 'tile' && origin !== null) return undefined;
    throw new StoreError('io', `${path} is not here yet, or not any more`);
  }

  private async joinedSegment(index: number, count: number): Promise<AsyncIterable<Uint8Array> | undefined> {
    const lengths: number[] = [];
    for (let i = 0; i < count; i++) {
      const row = await this.row(firstHeightOf(index) + i);
      if (row === undefined) return undefined;
      lengths.push(rowLength(row));
    }
    return this.segmentContent(index, lengths);
  }

  private async *segmentContent(index: number, lengths: readonly number[]): AsyncGenerator<Uint8Array> {
    yield encodeSegmentHeader(index, lengths);
    for (let i = 0; i < lengths.length; i++) {
      const row = await this.row(firstHeightOf(index) + i);
      if (row === undefined) throw new StoreError('io', `block ${firstHeightOf(index) + i} is gone`);
      yield encodeRow(row);
    }
  }

  private async row(height: number): Promise<Row | undefined> {
    const { store, target } = this.ports;
    if (height >= store.blocks.firstHeight) return store.row(height);
    const width = this.from.height - firstHeightOf(segmentOf(height)) + 1;
    return width < 1 ? undefined : readRow(target, height, Math.min(width, SEGMENT_HEIGHTS));
  }

  private async joinedBundle(index: number, width: number): Promise<readonly Uint8Array[] | undefined> {
    const first = index * BUNDLE_WIDTH;
    const before = Math.min(width, this.from.logSize - first);
    if (before < 1) return undefined;
    const old = await this.ports.target.read(bundlePath(index, before));
    const rest = before === width ? [] : await this.entries.read(first + before, first + width);
    return old && rest && [encodeBundle([...decodeBundle(old, before), ...rest])];
  }
}
