/** Blobs in memory, on a disk that can be slow or full and that loses what it has not acknowledged. */
import { concat } from '../../node-core/codec/bytes.ts';
import type { Blobs } from '../../node-core/ports/blobs.ts';
import type { ByteRange } from '../../node-core/ports/chain-files.ts';
import { StoreError } from '../../node-core/ports/key-value-store.ts';

const PART = /^[a-z0-9_-][a-z0-9._-]*$/;
const DEFAULT_MAX_BYTES = 64 << 20;

/** What stays when the process dies. */
export type BlobFiles = Map<string, Uint8Array>;

/** Makes an object durable by `keep`, or does not: a process may die in here and never get on, a disk be full. */
export type PutFault = (path: string, bytes: number, keep: () => void) => Promise<void>;

export class MemoryBlobs implements Blobs {
  readonly files: BlobFiles;
  /** Bytes that the disk takes in all. */
  capacityBytes = Number.POSITIVE_INFINITY;
  private readonly fault: PutFault;

  constructor(files: BlobFiles = new Map(), fault: PutFault = async (_, __, keep) => keep()) {
    this.files = files;
    this.fault = fault;
  }

  async read(
    path: string,
    { range, maxBytes = DEFAULT_MAX_BYTES }: { readonly range?: ByteRange; readonly maxBytes?: number } = {},
  ): Promise<Uint8Array | undefined> {
    assertPath(path);
    const file = this.files.get(path);
    const bytes = range === undefined ? file : file?.slice(range.offset, range.offset + range.length);
    if (bytes !== undefined && bytes.length > maxBytes) throw new StoreError('io', `${path} is too long`);
    return bytes?.slice();
  }

  async put(path: string, content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
    assertPath(path);
    const pieces: Uint8Array[] = [];
    for await (const piece of content) pieces.push(piece.slice());
    const bytes = concat(...pieces);
    if (this.usedBytes(path) + bytes.length > this.capacityBytes) throw new StoreError('full', `no room for ${path}`);
    await this.fault(path, bytes.length, () => void this.files.set(path, bytes));
  }

  async size(path: string): Promise<number | undefined> {
    assertPath(path);
    return this.files.get(path)?.length;
  }

  async list(prefix: string): Promise<readonly string[]> {
    return [...this.files.keys()].filter((path) => path.startsWith(prefix)).sort();
  }

  async remove(path: string): Promise<void> {
    assertPath(path);
    this.files.delete(path);
  }

  private usedBytes(except: string): number {
    return [...this.files].reduce((sum, [path, { length }]) => sum + (path === except ? 0 : length), 0);
  }
}

function assertPath(path: string): void {
  if (path.length > 240 || !path.split('/').every((part) => PART.test(part))) throw new RangeError(`no path: ${path}`);
}
