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
import { StoreError } from '../ports/key-value-store.ts';
import type { PublishPorts } from './publish-files.ts';
import { readIndex, readManifest } from './snapshot-read.ts';

/**
 * The chunks first, then the manifests that name them, then the index. While a store that was lost has no snapshot of its
 * own, those of its earlier life stay.
 * @throws {StoreError} when one is not as it must be, or goes while it is being published
 */
export async function publishSnapshots(ports: PublishPorts): Promise<void> {
  const { crypto, store, files, target, goesOn, snapshotsUpTo } = ports;
  const kept = await readIndex(files);
  const published = await readIndex(target);
  if ('code' in kept) throw new StoreError('corrupt', `${SNAPSHOT_INDEX}: ${kept.detail}`);
  const upTo = snapshotsUpTo?.() ?? Number.POSITIVE_INFINITY;
  const heights = kept.filter((height) => height <= upTo);
  const known = 'code' in published ? [] : published;
  if (heights.length === 0 || heights.join() === known.join() || heights.at(-1)! < (known.at(-1) ?? 0)) return;
  const hash = stateHashOf(crypto, store);
  const named = new Set([SNAPSHOT_INDEX]);
  const copy = async (path: string) => {
    if (!goesOn()) throw new StoreError('closed', 'publishing is given up');
    named.add(path);
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
  await target.put(SNAPSHOT_INDEX, [utf8(heights.map((height) => `${height}\n`).join(''))]);
  for (const prefix of ['snapshots/', 'state/'])
    for (const path of await target.list(prefix)) if (!named.has(path)) await target.remove(path);
}
