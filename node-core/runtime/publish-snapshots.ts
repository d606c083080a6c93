/** Brings the snapshots that a node keeps to where others read them; those that it no longer keeps go. */
import {
  chunkPath,
  hasChunk,
  MAX_CHUNK_BYTES,
  MAX_MANIFEST_BYTES,
  manifestPath,
  SNAPSHOT_INDEX,
  stateHashOf,
} from '../chain/snapshot.ts';
import { utf8 } from '../codec/bytes.ts';
import type { Blobs } from '../ports/blobs.ts';
import { StoreError } from '../ports/key-value-store.ts';
import type { PublishPorts } from './publish-files.ts';
import { readIndex, readManifest } from './snapshot-read.ts';

/** Snapshots that are in the target but for the index that names them. */
export interface CopiedSnapshots {
  /** Ascending. */
  readonly heights: readonly number[];
  /** Their files, and the index. */
  readonly paths: ReadonlySet<string>;
}

/**
 * Copies chunks and manifests of the snapshots up to a height: who begins at one finds all blocks before it beside it, as
 * an anchor of that height names them. While a store that was lost has no newer snapshot of its own, those of its earlier
 * life stay.
 * @returns undefined when the target has them already.
 * @throws {StoreError} when one is not as it must be, or goes while it is being copied
 */
export async function copySnapshots(
  { crypto, store, files, target, goesOn, snapshotsUpTo }: PublishPorts,
  height: number,
): Promise<CopiedSnapshots | undefined> {
  const kept = await readIndex(files);
  if ('code' in kept) throw new StoreError('corrupt', `${SNAPSHOT_INDEX}: ${kept.detail}`);
  const upTo = Math.min(height, snapshotsUpTo?.() ?? height);
  const heights = kept.filter((height) => height <= upTo);
  const published = await publishedSnapshots(target);
  if (heights.length === 0 || heights.join() === published.join() || heights.at(-1)! < (published.at(-1) ?? 0))
    return undefined;
  const hash = stateHashOf(crypto, store);
  const paths = new Set([SNAPSHOT_INDEX]);
  const copy = async (path: string) => {
    if (!goesOn()) throw new StoreError('closed', 'publishing is given up');
    paths.add(path);
    if ((await target.size(path)) !== undefined) return;
    const bytes = await files.read(path, { maxBytes: Math.max(MAX_CHUNK_BYTES, MAX_MANIFEST_BYTES) });
    if (bytes === undefined) throw new StoreError('io', `${path} is not kept any more`);
    await target.put(path, [bytes]);
  };
  for (const height of heights) {
    const snapshot = await readManifest(crypto, files, height, store.genesis.hash);
    if ('code' in snapshot) throw new StoreError('io', `${manifestPath(height)}: ${snapshot.detail ?? snapshot.code}`);
    for (const { subtree } of snapshot.parts.filter(hasChunk)) await copy(chunkPath(hash, subtree));
    await copy(manifestPath(height));
  }
  return { heights, paths };
}

/** Names what was copied, then removes what is not named any more. */
export async function nameSnapshots(target: Blobs, { heights, paths }: CopiedSnapshots): Promise<void> {
  await target.put(SNAPSHOT_INDEX, [utf8(heights.map((height) => `${height}\n`).join(''))]);
  for (const prefix of ['snapshots/', 'state/'])
    for (const path of await target.list(prefix)) if (!paths.has(path)) await target.remove(path);
}

/** Heights of the snapshots that the target names, ascending; none when its index is damaged: it is written anew. */
export async function publishedSnapshots(target: Blobs): Promise<readonly number[]> {
  const heights = await readIndex(target);
  return 'code' in heights ? [] : heights;
}
