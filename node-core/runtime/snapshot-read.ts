/** Reading snapshots from files that nobody is trusted with: the index, a manifest, a chunk, or all of one. */
import { type Refusal, refusal } from '../chain/codes.ts';
import {
  chunkPath,
  hasChunk,
  MAX_CHUNK_BYTES,
  MAX_INDEX_BYTES,
  MAX_MANIFEST_BYTES,
  manifestPath,
  readChunk,
  SNAPSHOT_INDEX,
  stateHashOf,
  type VerifiedSnapshot,
  verifySnapshot,
} from '../chain/snapshot.ts';
import type { Hash } from '../crypto/hash-type.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { PageSink, TreePart } from '../crypto/state-subtree.ts';
import type { ChainFiles } from '../ports/chain-files.ts';

const INDEX_LINES = /^(?:[1-9]\d{0,15}\n)*$/;

/** Heights of the snapshots there, ascending; none when there is no index. @throws {StoreError} `io` */
export async function readIndex(files: ChainFiles): Promise<readonly number[] | Refusal> {
  const bytes = await files.read(SNAPSHOT_INDEX, { maxBytes: MAX_INDEX_BYTES });
  if (bytes === undefined) return [];
  const text = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true }).decode(bytes);
  const heights = text.split('\n').slice(0, -1).map(Number);
  const ascends = heights.every((height, i) => Number.isSafeInteger(height) && height > (heights[i - 1] ?? 0));
  return INDEX_LINES.test(text) && ascends
    ? heights
    : refusal('SNAPSHOT_INVALID', 'the index is not a list of ascending heights');
}

/** @throws {StoreError} `io` */
export async function readManifest(
  crypto: CryptoProvider,
  files: ChainFiles,
  height: number,
  genesisHash: Uint8Array,
): Promise<VerifiedSnapshot | Refusal> {
  const bytes = await files.read(manifestPath(height), { maxBytes: MAX_MANIFEST_BYTES });
  if (bytes === undefined) return refusal('SNAPSHOT_UNAVAILABLE', 'there is no such file');
  return verifySnapshot(crypto, bytes, height, genesisHash);
}

/** @throws {StoreError} `io` */
export async function fetchChunk(hash: Hash, files: ChainFiles, part: TreePart, sink: PageSink | null = null) {
  const bytes = await files.read(chunkPath(hash, part.subtree), { maxBytes: MAX_CHUNK_BYTES });
  return bytes === undefined
    ? refusal('SNAPSHOT_UNAVAILABLE', 'there is no such file')
    : readChunk(hash, part, bytes, sink);
}

/** A file of a snapshot that is not what it must be. */
export interface WrongFile {
  readonly path: string;
  readonly refusal: Refusal;
}

export interface CheckedSnapshot {
  readonly height: number;
  readonly entries: number;
  readonly chunks: number;
  readonly wrong: readonly WrongFile[];
}

/** Reads and verifies the whole snapshot of a height, trusting the genesis hash alone. @throws {StoreError} `io` */
export async function checkSnapshot(
  crypto: CryptoProvider,
  files: ChainFiles,
  height: number,
  genesisHash: Uint8Array,
): Promise<CheckedSnapshot> {
  const snapshot = await readManifest(crypto, files, height, genesisHash);
  if ('code' in snapshot) {
    return { height, entries: 0, chunks: 0, wrong: [{ path: manifestPath(height), refusal: snapshot }] };
  }
  const hash = stateHashOf(crypto, snapshot.trusted);
  const parts = snapshot.parts.filter(hasChunk);
  const wrong: WrongFile[] = [];
  let entries = 0;
  for (const part of parts) {
    const chunk = await fetchChunk(hash, files, part);
    if ('code' in chunk) wrong.push({ path: chunkPath(hash, part.subtree), refusal: chunk });
    else entries += chunk.length;
  }
  return { height, entries, chunks: parts.length, wrong };
}
