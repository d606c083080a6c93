/**
 * Takes an empty store to the newest snapshot that its sources have (docs/spec/snapshots.md §4). All is verified from
 * the genesis hash; what is wrong is named, refused, and looked for at the next source. The work depends on the size
 * of the state alone.
 */
import { BropError, type Refusal } from '../chain/codes.ts';
import type { Genesis } from '../chain/genesis.ts';
import {
  type ChunkEntry,
  chunkPath,
  hasChunk,
  manifestPath,
  SNAPSHOT_INDEX,
  stateHashOf,
  type VerifiedSnapshot,
} from '../chain/snapshot.ts';
import { equal } from '../codec/bytes.ts';
import type { Hash } from '../crypto/hash-type.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { foldParts, type TreePart } from '../crypto/state-subtree.ts';
import { stateRoot } from '../crypto/state-tree.ts';
import { expiringNonceOf } from '../ledger/nonces.ts';
import { placed } from '../ledger/state.ts';
import type { Clock } from '../ports/clock.ts';
import { type KeyValueStore, StoreError } from '../ports/key-value-store.ts';
import type { Log } from '../ports/log.ts';
import { holdsChain, originWrites, stateWrites } from './chain-rows.ts';
import type { FileSource } from './file-sync.ts';
import { fetchChunk, readIndex, readManifest } from './snapshot-read.ts';
import { pageRowKey } from './state-rows.ts';
import { discardJoin, JOIN_BEGINS, JOIN_ENDS } from './unfinished-join.ts';

/** Chunks that are under way at once; each is at most 1 MiB. */
const CHUNKS_AT_ONCE = 4;
/** Snapshots of different heights that are tried, newest first. */
const MAX_HEIGHTS = 8;
/** How often all sources are asked for a chunk that none of them gave. */
const ROUNDS = 3;
const PAUSE_MS = 1_000;

export interface JoinPorts {
  readonly crypto: CryptoProvider;
  /** Without a chain: new, or left by a join that did not end. */
  readonly kv: KeyValueStore;
  readonly genesis: Genesis;
  /** In the order in which they are asked. */
  readonly sources: readonly FileSource[];
  /** Highest block to begin at: a follower whose blocks somebody still waits for must not begin above them. */
  readonly upTo?: number | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Resolves with the height at which the store now stands, or with null when there is no snapshot of this chain that
 * holds and is complete; the store is then as it was, and what was wrong is in the log.
 * @throws {StoreError} of the store. @throws {BropError} STORE_CORRUPT when it gives back something else than it took.
 */
export async function joinFromSnapshot(ports: JoinPorts): Promise<number | null> {
  const { kv, log } = ports;
  if (holdsChain(kv)) throw new Error('the store holds a chain');
  await discardJoin(kv);
  for (const height of await newestHeights(ports)) {
    const snapshot = await findManifest(ports, height);
    if (snapshot === null) continue;
    log.info('joining from a snapshot', { height, chunks: snapshot.parts.filter(hasChunk).length });
    if (await new Join(ports, snapshot).run()) return height;
    await discardJoin(kv);
  }
  return null;
}

async function newestHeights(ports: JoinPorts): Promise<number[]> {
  const { upTo = Number.POSITIVE_INFINITY } = ports;
  const heights = new Set<number>();
  for (const source of ports.sources) {
    const index = await asked(ports, source, SNAPSHOT_INDEX, () => readIndex(source.files));
    for (const height of index?.filter((one) => one <= upTo).slice(-MAX_HEIGHTS) ?? []) heights.add(height);
  }
  return [...heights].sort((a, b) => b - a).slice(0, MAX_HEIGHTS);
}

async function findManifest(ports: JoinPorts, height: number): Promise<VerifiedSnapshot | null> {
  const { crypto, genesis, sources } = ports;
  for (const source of sources) {
    const read = () => readManifest(crypto, source.files, height, genesis.hash);
    const snapshot = await asked(ports, source, manifestPath(height), read);
    if (snapshot !== null) return snapshot;
  }
  return null;
}

/**
 * What a source gave, or null when it gave nothing or something wrong, which the log then says.
 * @param unreachable sources of which the log has said already that they cannot be read.
 */
async function asked<T extends object>(
  { log }: JoinPorts,
  source: FileSource,
  path: string,
  read: () => Promise<T | Refusal>,
  unreachable = new Set<FileSource>(),
): Promise<T | null> {
  const { name } = source;
  try {
    const given = await read();
    if (!('code' in given)) return given;
    if (given.code === 'SNAPSHOT_UNAVAILABLE') log.debug('a source does not have a file', { source: name, path });
    else log.warn('a file is refused', { source: name, path, code: given.code, detail: given.detail ?? '' });
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    const level = unreachable.has(source) ? 'debug' : 'warn';
    unreachable.add(source);
    log[level]('a file cannot be read', { source: name, path, error: error.message });
  }
  return null;
}

class Join {
  private readonly ports: JoinPorts;
  private readonly snapshot: VerifiedSnapshot;
  private readonly hash: Hash;
  private readonly chunks: readonly TreePart[];
  private readonly unreachable = new Set<FileSource>();
  private next = 0;
  private failed = false;

  constructor(ports: JoinPorts, snapshot: VerifiedSnapshot) {
    this.ports = ports;
    this.snapshot = snapshot;
    this.hash = stateHashOf(ports.crypto, snapshot.trusted);
    this.chunks = snapshot.parts.filter(hasChunk);
  }

  /** False when a chunk is not to be had. */
  async run(): Promise<boolean> {
    await this.ports.kv.write([JOIN_BEGINS]);
    const workers = await Promise.allSettled(Array.from({ length: CHUNKS_AT_ONCE }, () => this.work()));
    for (const worker of workers) if (worker.status === 'rejected') throw worker.reason;
    if (this.failed) return false;
    await this.finish();
    return true;
  }

  private async work(): Promise<void> {
    try {
      while (!this.failed) {
        const part = this.chunks[this.next++];
        if (part === undefined) return;
        this.failed ||= !(await this.take(part));
      }
    } catch (error) {
      this.failed = true;
      throw error;
    }
  }

  private async take(part: TreePart): Promise<boolean> {
    const { kv, sources, clock, log } = this.ports;
    const path = chunkPath(this.hash, part.subtree);
    for (let round = 0; round < ROUNDS; round++) {
      if (round > 0) await new Promise<void>((next) => void clock.schedule(PAUSE_MS, next));
      for (const source of sources) {
        const pages = new Map<string, Uint8Array>();
        const read = () => fetchChunk(this.hash, source.files, part, (at, page) => pages.set(at, page));
        const entries = await asked(this.ports, source, path, read, this.unreachable);
        if (entries === null) continue;
        await kv.write(this.rows(entries, pages));
        return true;
      }
    }
    log.error('a chunk of a snapshot is not to be had from any source', { path });
    return false;
  }

  private rows(entries: readonly ChunkEntry[], pages: ReadonlyMap<string, Uint8Array>) {
    const changes = placed(
      this.hash,
      entries.map(([key, value]) => ({ key, value })),
    );
    const noncesAdded = entries.flatMap(([key, value]) => {
      const expiring = expiringNonceOf(key, value);
      return expiring === null ? [] : [expiring];
    });
    return stateWrites(this.hash, { changes, pages, noncesAdded });
  }

  /** The pages above the chunks; then, when the stored tree has the certified root, what makes the store a chain. */
  private async finish(): Promise<void> {
    const { kv } = this.ports;
    const { trusted, anchor, parts, frontier, tiles } = this.snapshot;
    const pages = new Map<string, Uint8Array>();
    foldParts(this.hash, parts, (path, page) => pages.set(path, page));
    await kv.write(stateWrites(this.hash, { changes: [], pages, noncesAdded: [] }));
    const root = stateRoot(this.hash, (path) => kv.get(pageRowKey(path)));
    const { header } = trusted;
    if (!equal(root, header.stateRoot)) throw new BropError('STORE_CORRUPT', 'the state taken in has another root');
    await kv.write([...originWrites(anchor, header, frontier, tiles), JOIN_ENDS]);
  }
}
