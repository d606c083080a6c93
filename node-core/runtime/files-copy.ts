/**
 * Copies a whole chain as plain files from wherever it is to a folder (docs/spec/files.md). What is there already stays,
 * so that a copy that was broken off goes on where it ended; whoever calls this verifies the outcome.
 */
import { type TrustedHeader, verifyAnchor } from '../chain/anchor.ts';
import { ANCHOR_FILE_LIMITS, decodeAnchorFile } from '../chain/anchor-file.ts';
import { decodeCheckpoint } from '../chain/checkpoint.ts';
import { BropError } from '../chain/codes.ts';
import {
  ANCHOR_PATH,
  bundlePaths,
  CHECKPOINT_KEY_PATH,
  CHECKPOINT_PATH,
  GENESIS_PATH,
  hashTilePaths,
  parseChainPath,
  segmentPaths,
} from '../chain/file-paths.ts';
import { MAX_NOTE_BYTES } from '../chain/signed-note.ts';
import { chunkPath, hasChunk, MAX_INDEX_BYTES, manifestPath, SNAPSHOT_INDEX, stateHashOf } from '../chain/snapshot.ts';
import { CodecError } from '../codec/error.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { Blobs } from '../ports/blobs.ts';
import type { ChainFiles } from '../ports/chain-files.ts';
import { readIndex, readManifest } from './snapshot-read.ts';

export interface FilesCopyParts {
  readonly crypto: CryptoProvider;
  readonly source: ChainFiles;
  readonly target: Blobs;
  /** Copied anew though they are there: found wrong. */
  readonly again?: ReadonlySet<string>;
  readonly progress?: (done: number, total: number) => void;
}

export interface CopiedFiles {
  readonly genesisHash: Uint8Array;
  readonly height: number;
  readonly files: number;
  /** Of these, those that were copied now. */
  readonly copied: number;
}

const PIECE_BYTES = 4 << 20;
/** A node renews checkpoint and anchor together, but they are read one after the other. */
const MAX_TRIES = 10;

/** @throws {BropError} CHAIN_FILE when the source lacks a file or has one that is none. @throws {StoreError} */
export async function copyFiles(parts: FilesCopyParts): Promise<CopiedFiles> {
  const { crypto, source, target, again = new Set(), progress = () => {} } = parts;
  const genesis = await mustRead(source, GENESIS_PATH, 1_000_000);
  const genesisHash = crypto.hash('sha-256', genesis);
  const { trusted, files: heads } = await readHeads(crypto, source, genesisHash);
  const index = await source.read(SNAPSHOT_INDEX, { maxBytes: MAX_INDEX_BYTES });
  const small = new Map<string, Uint8Array>([[GENESIS_PATH, genesis], ...heads]);
  if (index !== undefined) small.set(SNAPSHOT_INDEX, index);
  const { height, logSize } = trusted.header;
  const large = [...segmentPaths(height), ...hashTilePaths(logSize), ...bundlePaths(logSize)];
  large.push(...(await snapshotPaths(crypto, source, genesisHash)));
  const total = small.size + large.length;
  const wanted = new Set([...small.keys(), ...large]);
  // The anchor goes first: until the new one is there, nobody takes the rest for a whole chain.
  await target.remove(ANCHOR_PATH);
  let [done, copied] = [0, small.size];
  for (const path of new Set(large)) {
    if (again.has(path) || (await target.size(path)) === undefined) {
      await target.put(path, pieces(source, path));
      copied += 1;
    }
    progress(++done, total);
  }
  for (const [path, bytes] of small) await target.put(path, [bytes]);
  for (const path of await target.list('')) if (!wanted.has(path) && isOurs(path)) await target.remove(path);
  progress(total, total);
  return { genesisHash, height, files: total, copied };
}

/** Anchor, and when there is one the checkpoint of the same block with its key. @throws {BropError} CHAIN_FILE */
export async function readHeads(
  crypto: CryptoProvider,
  source: ChainFiles,
  genesisHash: Uint8Array,
): Promise<{ readonly trusted: TrustedHeader; readonly files: readonly (readonly [string, Uint8Array])[] }> {
  for (let tries = 0; ; tries++) {
    const checkpoint = await source.read(CHECKPOINT_PATH, { maxBytes: MAX_NOTE_BYTES });
    const bytes = await mustRead(source, ANCHOR_PATH, ANCHOR_FILE_LIMITS.maxBytes);
    const anchor = naming(ANCHOR_PATH, () => decodeAnchorFile(bytes));
    const trusted = verifyAnchor(crypto, anchor, genesisHash);
    if ('code' in trusted) throw new BropError('CHAIN_FILE', `${ANCHOR_PATH}: ${trusted.code}`);
    if (checkpoint === undefined) return { trusted, files: [[ANCHOR_PATH, bytes]] };
    const { height } = naming(CHECKPOINT_PATH, () => decodeCheckpoint(checkpoint)).checkpoint;
    if (height === trusted.header.height) {
      const key = await mustRead(source, CHECKPOINT_KEY_PATH, 1_024);
      const heads = [
        [ANCHOR_PATH, bytes],
        [CHECKPOINT_PATH, checkpoint],
        [CHECKPOINT_KEY_PATH, key],
      ] as const;
      return { trusted, files: heads };
    }
    if (tries >= MAX_TRIES) {
      throw new BropError('CHAIN_FILE', `${CHECKPOINT_PATH}: of height ${height}, the anchor ${trusted.header.height}`);
    }
  }
}

async function snapshotPaths(
  crypto: CryptoProvider,
  source: ChainFiles,
  genesisHash: Uint8Array,
): Promise<readonly string[]> {
  const heights = await readIndex(source);
  if ('code' in heights) throw new BropError('CHAIN_FILE', `${SNAPSHOT_INDEX}: ${heights.detail ?? heights.code}`);
  const paths: string[] = [];
  for (const height of heights) {
    const snapshot = await readManifest(crypto, source, height, genesisHash);
    if ('code' in snapshot) {
      throw new BropError('CHAIN_FILE', `${manifestPath(height)}: ${snapshot.detail ?? snapshot.code}`);
    }
    const hash = stateHashOf(crypto, snapshot.trusted);
    paths.push(manifestPath(height), ...snapshot.parts.filter(hasChunk).map(({ subtree }) => chunkPath(hash, subtree)));
  }
  return paths;
}

/** A file in parts. @throws {BropError} CHAIN_FILE when it is not there */
export async function* pieces(source: ChainFiles, path: string): AsyncGenerator<Uint8Array> {
  for (let offset = 0; ; offset += PIECE_BYTES) {
    const piece = await source.read(path, { range: { offset, length: PIECE_BYTES } });
    if (piece === undefined) throw new BropError('CHAIN_FILE', `${path}: the source does not have it.`);
    if (piece.length > 0) yield piece;
    if (piece.length < PIECE_BYTES) return;
  }
}

async function mustRead(source: ChainFiles, path: string, maxBytes: number): Promise<Uint8Array> {
  const bytes = await source.read(path, { maxBytes });
  if (bytes === undefined) throw new BropError('CHAIN_FILE', `${path}: the source does not have it.`);
  return bytes;
}

/** Files of the copy as it was before, a narrower tile for one; what somebody else has put there stays. */
function isOurs(path: string): boolean {
  return parseChainPath(path) !== undefined;
}

function naming<T>(path: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    if (error instanceof CodecError) throw new BropError('CHAIN_FILE', `${path}: ${error.message}`, { cause: error });
    throw error;
  }
}
