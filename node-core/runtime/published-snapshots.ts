/** The files of snapshots as a node gives them out: only what leads to a certified header of its chain. */
import type { Refusal } from '../chain/codes.ts';
import {
  chunkPath,
  hasChunk,
  MAX_CHUNK_BYTES,
  MAX_MANIFEST_BYTES,
  manifestPath,
  readChunk,
  SNAPSHOT_INDEX,
  stateHashOf,
  verifySnapshot,
} from '../chain/snapshot.ts';
import type { Hash } from '../crypto/hash-type.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { TreePart } from '../crypto/state-subtree.ts';
import type { Blobs } from '../ports/blobs.ts';
import { StoreError } from '../ports/key-value-store.ts';
import type { ChainStore } from './chain-store.ts';
import { readIndex, readManifest } from './snapshot-read.ts';

export interface PublishedSnapshotsParts {
  readonly crypto: CryptoProvider;
  readonly store: ChainStore;
  readonly blobs: Blobs;
}

export class PublishedSnapshots {
  private readonly ports: PublishedSnapshotsParts;
  private readonly hash: Hash;
  /** What the chunks hold that the manifests of this index name, by their paths. */
  private named: { readonly index: string; readonly parts: ReadonlyMap<string, TreePart> } | null = null;

  constructor(ports: PublishedSnapshotsParts) {
    this.ports = ports;
    this.hash = stateHashOf(ports.crypto, ports.store);
  }

  /** @param path of an index, a manifest or a chunk. @throws {StoreError} 'corrupt', naming it */
  async read(path: string): Promise<Uint8Array | undefined> {
    if (path === SNAPSHOT_INDEX) await this.heights();
    if (path.startsWith('state/')) return this.chunk(path);
    const bytes = await this.ports.blobs.read(path, { maxBytes: MAX_MANIFEST_BYTES });
    if (bytes === undefined || path === SNAPSHOT_INDEX) return bytes;
    const { crypto, store } = this.ports;
    sound(path, verifySnapshot(crypto, bytes, Number(path.split('/')[1]), store.genesis.hash));
    return bytes;
  }

  private async heights(): Promise<readonly number[]> {
    const { blobs } = this.ports;
    const heights = sound(SNAPSHOT_INDEX, await readIndex(blobs));
    for (const height of heights)
      if ((await blobs.size(manifestPath(height))) === undefined)
        throw new StoreError('corrupt', `${SNAPSHOT_INDEX}: there is no snapshot of height ${height}`);
    return heights;
  }

  /** One that no manifest names proves nothing, and is not given. */
  private async chunk(path: string): Promise<Uint8Array | undefined> {
    const part = (await this.partsNamed()).get(path);
    const bytes = part && (await this.ports.blobs.read(path, { maxBytes: MAX_CHUNK_BYTES }));
    if (bytes !== undefined) sound(path, readChunk(this.hash, part!, bytes));
    return bytes;
  }

  private async partsNamed(): Promise<ReadonlyMap<string, TreePart>> {
    const { crypto, store, blobs } = this.ports;
    const heights = await this.heights();
    const index = heights.join();
    if (this.named?.index === index) return this.named.parts;
    const parts = new Map<string, TreePart>();
    for (const height of heights) {
      const snapshot = await readManifest(crypto, blobs, height, store.genesis.hash);
      if ('code' in snapshot) continue;
      for (const part of snapshot.parts.filter(hasChunk)) parts.set(chunkPath(this.hash, part.subtree), part);
    }
    this.named = { index, parts };
    return parts;
  }
}

function sound<T extends object>(path: string, found: T | Refusal): T {
  if (!('code' in found)) return found as T;
  throw new StoreError('corrupt', `${path}: ${found.detail ?? found.code}`);
}
