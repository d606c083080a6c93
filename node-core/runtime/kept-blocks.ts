/**
 * The blocks that a node keeps: the newest in the store, the older ones in sealed segments among the blobs.
 *
 * | row | key | value |
 * |---|---|---|
 * | `b` | height | block, packed, a long value |
 * | `c` | height | [certificate, results], packed, a long value |
 * | `q` | height | digest of both and length of the row, from when they were verified; stays when they are sealed |
 * | `k` | | [first height that is kept, segments below this number are sealed or not wanted] |
 *
 * A segment is sealed when its 256 heights and one more are there and all of their effects are in the store, so that
 * the newest block, and those that a start executes again, always are in the store. It is written whole first; then one
 * write removes the rows and counts it as sealed. Whatever a crash leaves is a store that seals again. Nothing that is
 * read is believed: a block whose bytes have another digest than when it was verified is not given out, and its segment
 * is noted as damaged until it is whole again (repair.ts). A block that was fetched for that waits in the store, where it
 * goes before what its segment holds, until the segment is written anew.
 *
 * Blocks are packed by the store (its `packing`), transactions being much alike, and so are their results; sealed segments
 * hold them as they lay there. What is published is put together from what was verified, and the digest is over that.
 */
import { encodeBlock } from '../chain/block.ts';
import type { Certificate } from '../chain/certificate.ts';
import { BropError } from '../chain/codes.ts';
import {
  encodeRow,
  encodeSegmentHeader,
  firstHeightOf,
  lastHeightOf,
  MAX_ROW_BYTES,
  type Row,
  readOffsets,
  readRow,
  rowLength,
  SEGMENT_HEIGHTS,
  segmentOf,
  segmentPath,
  segmentRows,
} from '../chain/segment.ts';
import { decodeStoredBlock, encodeCommit, type StoredBlock } from '../chain/stored-block.ts';
import { concat, equal, uint64 } from '../codec/bytes.ts';
import { decode, encode } from '../codec/cbor.ts';
import { CodecError } from '../codec/error.ts';
import { tuple, uint } from '../codec/schema.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { ExecutedBlock } from '../ledger/execute-block.ts';
import type { Blobs } from '../ports/blobs.ts';
import type { KeyValueStore, Reads, Write } from '../ports/key-value-store.ts';
import { uint64At } from './kept-proposals.ts';
import { hasLongValue, longValue, longValueRemoval, longValueWrites } from './long-values.ts';

const [BLOCK, COMMIT, VERIFIED, KEPT] = [...'bcqk'].map((letter) => Uint8Array.of(letter.charCodeAt(0))) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
];
const DIGEST_BYTES = 32;
const keptSchema = tuple(uint({ min: 1 }), uint());

export interface Kept {
  /** The lowest height that is here, when there is any. */
  readonly firstHeight: number;
  /** Segments below this number are no longer in the store. */
  readonly sealed: number;
}

/** Gives other work its turn: a segment is long. */
export type Pause = () => Promise<void>;

type ReadRow = (height: number) => Row | undefined | Promise<Row | undefined>;

export class KeptBlocks {
  private readonly crypto: CryptoProvider;
  private readonly kv: KeyValueStore;
  private readonly blobs: Blobs;
  private readonly originHeight: number;
  private kept: Kept;
  /** Segments, sealed or not, in which something damaged was met. */
  readonly damaged = new Set<number>();
  /** What was written last is asked for at once, and again with every proof of the state: it need not be unpacked. */
  private newest: { readonly height: number; readonly row: Row } | null = null;

  /** @param originHeight height of the snapshot that the store began from, or 0. */
  constructor(crypto: CryptoProvider, kv: KeyValueStore, blobs: Blobs, originHeight: number) {
    this.crypto = crypto;
    this.kv = kv;
    this.blobs = blobs;
    this.originHeight = originHeight;
    this.kept = readKept(kv, originHeight);
  }

  get firstHeight(): number {
    return this.kept.firstHeight;
  }
  get sealed(): number {
    return this.kept.sealed;
  }

  /** Writes a new block, and `also` in the same batch; both are durable when this resolves. @throws {StoreError} */
  async add(executed: ExecutedBlock, certificate: Certificate, also: readonly Write[]): Promise<void> {
    const { header, headerBytes, results } = executed;
    const transactions = executed.transactions.map((t) => t.transaction.bytes);
    const row: Row = [encodeBlock({ header, headerBytes, transactions }), encodeCommit(certificate, results)];
    await this.kv.write([...this.rowWrites(header.height, row), ...also]);
    this.newest = { height: header.height, row };
  }

  /**
   * The bytes of a block that is not sealed yet, as they were written.
   * @throws {BropError} STORE_CORRUPT, when they cannot be unpacked: they are compared with no digest here.
   */
  recent(height: number): Row | undefined {
    return height === this.newest?.height ? this.newest.row : recentRow(this.kv, height);
  }

  /** The length of a row as it is published; undefined when it is not here. @throws {BropError} STORE_CORRUPT */
  rowLength(height: number): number | undefined {
    const verified = height < this.kept.firstHeight ? undefined : this.kv.get(concat(VERIFIED, uint64(height)));
    if (verified === undefined) return undefined;
    const length = uint64At(verified, DIGEST_BYTES);
    if (length >= 1 && length <= MAX_ROW_BYTES) return length;
    this.damaged.add(segmentOf(height));
    throw notAsVerified('the store', height);
  }

  /** Whether there is one that is not sealed yet, damaged or not. */
  hasRecent(height: number): boolean {
    return (
      hasLongValue(this.kv, concat(BLOCK, uint64(height))) && hasLongValue(this.kv, concat(COMMIT, uint64(height)))
    );
  }

  /**
   * The exact bytes [block, commit], as they were verified.
   * @throws {BropError} STORE_CORRUPT, naming the file or row.
   */
  async row(height: number): Promise<Row | undefined> {
    return this.noting(segmentOf(Math.max(1, height)), () => this.soundRow(height));
  }

  private async soundRow(height: number): Promise<Row | undefined> {
    if (height < this.kept.firstHeight) return undefined;
    const recent = this.recent(height);
    if (recent !== undefined) return this.sound(recent, height, 'the store');
    const segment = segmentOf(height);
    if (!this.isSealed(segment)) return undefined;
    const path = segmentPath(segment);
    const row = await naming(path, () => readRow(this.blobs, height, SEGMENT_HEIGHTS, 'packed'));
    if (row !== undefined) return this.sound(unpacked(this.kv, row, height, path), height, path);
    // Pruned while it was being looked for, or gone.
    if (height < this.kept.firstHeight) return undefined;
    throw new BropError('STORE_CORRUPT', `${path} is missing`);
  }

  /** A block with what was recorded beside it. @throws {BropError} STORE_CORRUPT, naming the file or row. */
  async block(height: number): Promise<StoredBlock | undefined> {
    const row = await this.row(height);
    return row === undefined ? undefined : decodeStoredBlock(...row);
  }

  private async noting<T>(segment: number, read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (isCorrupt(error)) this.damaged.add(segment);
      throw error;
    }
  }

  /** A segment that the snapshot came in the middle of stays in the store. */
  private isSealed(segment: number): boolean {
    return segment < this.kept.sealed && firstHeightOf(segment) > this.originHeight;
  }

  /** @throws {BropError} STORE_CORRUPT */
  private sound(row: Row, height: number, where: string): Row {
    if (this.isAsVerified(height, row)) return row;
    throw notAsVerified(where, height);
  }

  /** All blocks from a height on, one after the other; a sealed segment is read in long pieces. */
  async *from(height: number): AsyncGenerator<StoredBlock> {
    let next = Math.max(height, this.kept.firstHeight);
    for (;;) {
      if (this.isSealed(segmentOf(next)) && !this.hasRecent(next)) {
        const path = segmentPath(segmentOf(next));
        const last = lastHeightOf(segmentOf(next));
        const rows = segmentRows(this.blobs, segmentOf(next), SEGMENT_HEIGHTS, next, 'packed');
        while (next <= last) {
          yield await this.noting(segmentOf(next), async () => {
            const { value } = await naming(path, () => rows.next());
            if (value === undefined) throw new BropError('STORE_CORRUPT', `${path} is missing`);
            const row = unpacked(this.kv, value.row, next, path);
            return decodeStoredBlock(...this.sound(row, next++, path));
          });
        }
      }
      const block = await this.block(next);
      if (block === undefined) return;
      yield block;
      next += 1;
    }
  }

  /**
   * Seals the oldest segment that is complete; false when there is none. Never two at once.
   * @throws {StoreError} when there is no room: all is as it was. @throws {BropError} STORE_CORRUPT
   */
  async sealNext(height: number, pause: Pause): Promise<boolean> {
    const { firstHeight, sealed } = this.kept;
    if (height <= lastHeightOf(sealed)) return false;
    const then = { firstHeight, sealed: sealed + 1 };
    await this.noting(sealed, () => this.seal(sealed, then, (at) => packedRow(this.kv, at), pause));
    return true;
  }

  /** @param read gives rows with their parts packed, the same ones each time. */
  private async seal(segment: number, kept: Kept, read: ReadRow, pause: Pause): Promise<void> {
    const heights = heightsOf(segment);
    const lengths: number[] = [];
    for (const at of heights) {
      lengths.push(rowLength(present(await read(at), at)));
      await pause();
    }
    const header = encodeSegmentHeader(segment, lengths, 'packed');
    await this.blobs.put(segmentPath(segment), content(header, heights, read, pause));
    await this.write(kept, heights);
  }

  /** Looks at the length of each sealed segment, by its header: what is missing or cut short is noted as damaged. */
  async lookAtFiles(pause: Pause): Promise<void> {
    for (let segment = segmentOf(this.kept.firstHeight); segment < this.kept.sealed; segment++) {
      if (!this.isSealed(segment)) continue;
      const offsets = await naming(segmentPath(segment), () =>
        readOffsets(this.blobs, segment, SEGMENT_HEIGHTS, 'packed'),
      ).catch((error: unknown) => (isCorrupt(error) ? undefined : Promise.reject(error)));
      const size = await this.blobs.size(segmentPath(segment));
      if (size === undefined || size !== offsets?.at(-1)) this.damaged.add(segment);
      await pause();
    }
  }

  /** Takes a block that is verified, whatever its certificate, in place of one that is damaged. */
  async putBack(height: number, row: Row): Promise<void> {
    const at = uint64(height);
    await this.kv.write([
      ...longValueRemoval(this.kv, concat(BLOCK, at)),
      ...longValueRemoval(this.kv, concat(COMMIT, at)),
      ...this.rowWrites(height, row),
    ]);
    if (this.newest?.height === height) this.newest = { height, row };
  }

  private rowWrites(height: number, row: Row): Write[] {
    const at = uint64(height);
    const [block, commit] = this.packed(row);
    return [
      ...longValueWrites(concat(BLOCK, at), block),
      ...longValueWrites(concat(COMMIT, at), commit),
      { key: concat(VERIFIED, at), value: verifiedOf(this.crypto, row) },
    ];
  }

  isAsVerified(height: number, row: Row): boolean {
    const verified = this.kv.get(concat(VERIFIED, uint64(height)));
    return verified !== undefined && equal(verified, verifiedOf(this.crypto, row));
  }

  private packed([block, commit]: Row): Row {
    const { packing } = this.kv;
    return [packing.pack(block), packing.pack(commit)];
  }

  private async soundPackedRow(height: number): Promise<Row | undefined> {
    const row = await this.soundRow(height);
    return row === undefined ? undefined : this.packed(row);
  }

  /** Writes a sealed segment anew from what is sound of it and what was put back. @throws as sealNext */
  async sealAgain(segment: number, pause: Pause): Promise<void> {
    const isKept = firstHeightOf(segment) >= this.kept.firstHeight;
    if (isKept && this.isSealed(segment)) await this.seal(segment, this.kept, (at) => this.soundPackedRow(at), pause);
    this.damaged.delete(segment);
  }

  /**
   * Forgets the oldest segment when all of its heights are below `height`; false when none is to go. What refers to
   * the blocks goes before the file, so that a crash in between leaves a file that is found again.
   * @param forget what refers to a block that goes.
   */
  async pruneNext(height: number, forget: (block: StoredBlock) => void, pause: Pause): Promise<boolean> {
    const segment = segmentOf(this.kept.firstHeight);
    if (lastHeightOf(segment) >= height || segment >= this.kept.sealed) return false;
    const gone: number[] = [];
    for (let at = this.kept.firstHeight; at <= lastHeightOf(segment); at++) {
      gone.push(at);
      const block = await this.blockIfSound(at);
      if (block !== undefined) forget(block);
      await pause();
    }
    const digests = gone.map((at) => ({ key: concat(VERIFIED, uint64(at)), value: null }));
    await this.write({ firstHeight: lastHeightOf(segment) + 1, sealed: this.kept.sealed }, gone, digests);
    await this.blobs.remove(segmentPath(segment));
    this.damaged.delete(segment);
    return true;
  }

  /** What is damaged goes like the rest, and only leaves its places behind. */
  private async blockIfSound(height: number): Promise<StoredBlock | undefined> {
    try {
      return await this.block(height);
    } catch (error) {
      if (isCorrupt(error)) return undefined;
      throw error;
    }
  }

  /** Paths of the segments that are to be among the blobs. */
  sealedPaths(): string[] {
    const paths: string[] = [];
    for (let segment = segmentOf(this.kept.firstHeight); segment < this.kept.sealed; segment++)
      if (this.isSealed(segment)) paths.push(segmentPath(segment));
    return paths;
  }

  /** Removes the files of blocks that are no longer kept: a crash may have come before that. */
  async removePruned(): Promise<void> {
    const wanted = new Set(this.sealedPaths());
    for (const path of await this.blobs.list('blocks/')) if (!wanted.has(path)) await this.blobs.remove(path);
  }

  private async write(kept: Kept, removed: readonly number[], also: readonly Write[] = []): Promise<void> {
    await this.kv.write([
      ...also,
      { key: KEPT, value: encode(keptSchema.encode([kept.firstHeight, kept.sealed])) },
      ...removed.flatMap((height) => [
        ...longValueRemoval(this.kv, concat(BLOCK, uint64(height))),
        ...longValueRemoval(this.kv, concat(COMMIT, uint64(height))),
      ]),
    ]);
    this.kept = kept;
  }
}

function isCorrupt(error: unknown): boolean {
  return error instanceof BropError && error.code === 'STORE_CORRUPT';
}

function heightsOf(segment: number): number[] {
  return Array.from({ length: SEGMENT_HEIGHTS }, (_, i) => firstHeightOf(segment) + i);
}

function present(row: Row | undefined, height: number): Row {
  if (row === undefined) throw new BropError('STORE_CORRUPT', `block ${height} is missing`);
  return row;
}

async function* content(header: Uint8Array, heights: readonly number[], read: ReadRow, pause: Pause) {
  yield header;
  for (const height of heights) {
    yield encodeRow(present(await read(height), height));
    await pause();
  }
}

/** Digest of a row, without putting its long parts together, and its length. */
function verifiedOf(crypto: CryptoProvider, row: Row): Uint8Array {
  const hashes = row.map((part) => crypto.hash('sha-256', part));
  return concat(crypto.hash('sha-256', concat(...hashes)), uint64(rowLength(row)));
}

/** @throws {BropError} STORE_CORRUPT, when the rows are damaged so much that they cannot be unpacked. */
export function recentRow(kv: Reads, height: number): Row | undefined {
  const packed = packedRow(kv, height);
  return packed === undefined ? undefined : unpacked(kv, packed, height, 'the store');
}

function packedRow(kv: Reads, height: number): Row | undefined {
  const [block, commit] = [BLOCK, COMMIT].map((kind) => longValue(kv, concat(kind, uint64(height))));
  return block === undefined || commit === undefined ? undefined : [block, commit];
}

function unpacked({ packing }: Reads, row: Row, height: number, where: string): Row {
  const [block, commit] = [packing.unpack(row[0]), packing.unpack(row[1])];
  if (block === null || commit === null) throw notAsVerified(where, height);
  return [block, commit];
}

function notAsVerified(where: string, height: number): BropError {
  return new BropError('STORE_CORRUPT', `${where}: block ${height} is not as it was verified`);
}

function readKept(kv: KeyValueStore, originHeight: number): Kept {
  const bytes = kv.get(KEPT);
  if (bytes === undefined) return { firstHeight: originHeight + 1, sealed: Math.ceil(originHeight / SEGMENT_HEIGHTS) };
  const [firstHeight, sealed] = keptSchema.decode(decode(bytes), 'kept');
  return { firstHeight, sealed };
}

async function naming<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw error instanceof CodecError ? new BropError('STORE_CORRUPT', `${path}: ${error.message}`) : error;
  }
}
