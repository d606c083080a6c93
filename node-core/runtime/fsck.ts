/**
 * Checks a store against its own hashes and certificates, from the genesis on, and names what is wrong. Nothing is
 * written; all is looked at, however much is found before.
 */
import { type SetChange, verifyAnchor } from '../chain/anchor.ts';
import { BropError, CODES } from '../chain/codes.ts';
import { decodeGenesis, type Genesis } from '../chain/genesis.ts';
import { decodeHeader } from '../chain/header.ts';
import { equal, toHex } from '../codec/bytes.ts';
import { CodecError } from '../codec/error.ts';
import type { Hash } from '../crypto/hash-type.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { TreeError } from '../crypto/tree-error.ts';
import type { Blobs } from '../ports/blobs.ts';
import { type KeyValueStore, StoreError } from '../ports/key-value-store.ts';
import { accountRows, readHeadRow, storedGenesis, storedSetChanges } from './chain-rows.ts';
import { BlockWalk } from './fsck-blocks.ts';
import { checkEntries, checkPages } from './fsck-state.ts';
import type { KeptBlocks } from './kept-blocks.ts';

export interface FsckParts {
  readonly crypto: CryptoProvider;
  readonly kv: KeyValueStore;
  readonly blobs: Blobs;
  readonly genesis: Genesis;
  /** What is being looked at; often. */
  readonly progress: (step: string) => void;
}

export interface FsckReport {
  /** Up to which the state is there; blocks above it are executed at the next start. */
  readonly height: number;
  readonly firstHeight: number;
  readonly blocks: number;
  readonly entries: number;
  /** One line for each thing that is wrong; empty when all holds. */
  readonly findings: readonly string[];
}

/** One more than this is not worth reading. */
export const MAX_FINDINGS = 1_000;

export class Findings {
  readonly lines = new Set<string>();
  readonly step: (step: string) => void;

  constructor(progress: (step: string) => void) {
    this.step = progress;
  }

  add(line: string): void {
    if (this.lines.size < MAX_FINDINGS) this.lines.add(line);
  }

  /** Notes what the store says of itself; bugs pass through. */
  async over<T>(look: () => Promise<T> | T): Promise<T | undefined> {
    try {
      return await look();
    } catch (error) {
      if (error instanceof BropError && error.code !== 'STORE_CORRUPT') throw error;
      const isOfData = [BropError, CodecError, TreeError, StoreError, RangeError].some((type) => error instanceof type);
      if (!isOfData) throw error;
      this.add((error as Error).message);
      return undefined;
    }
  }
}

/** @throws {BropError} STORE_OTHER_CHAIN. @throws {StoreError} when the store or the files cannot be read. */
export async function fsck(parts: FsckParts): Promise<FsckReport> {
  const { kv, genesis } = parts;
  const found = new Findings(parts.progress);
  const stored = storedGenesis(kv);
  if (stored === undefined) found.add('genesis: there is none in the store');
  else if (!equal(stored, genesis.bytes)) await checkGenesis(parts, stored, found);
  const head = await found.over(() => readHeadRow(kv));
  if (head === undefined) return nothing(found);
  const walk = await found.over(() => new BlockWalk(parts, found, head[0]));
  if (walk === undefined) return nothing(found);
  const { blocks, firstHeight, newest } = await walk.run();
  await checkFiles(parts, walk.kept, found);
  checkAccounts(parts, found);
  const stateHash: Hash = (data) => parts.crypto.hash(genesis.document.stateHash, data);
  let entries = 0;
  if (newest !== null) {
    const { header, headerBytes, certificate } = newest;
    const anchor = {
      genesis: genesis.bytes,
      setChanges: changesBelow(kv, header.height),
      header: headerBytes,
      certificate,
    };
    const trusted = verifyAnchor(parts.crypto, anchor, genesis.hash);
    if ('code' in trusted)
      found.add(
        `from the genesis to block ${header.height}: ${CODES[trusted.code].text} ${trusted.detail ?? ''}`.trim(),
      );
    if (header.timeMs !== head[1] || header.logSize !== head[2])
      found.add('head: it is not what the newest header says');
    const frontier = await found.over(() => walk.logAt(header));
    if (frontier !== undefined && !equalAll(frontier.encode(), head[3])) found.add('head: another log frontier');
    const leaves = checkPages(stateHash, kv, header.stateRoot, found);
    entries = checkEntries(stateHash, kv, leaves, found);
  }
  return { height: head[0], firstHeight, blocks, entries, findings: [...found.lines] };
}

/** What is where cannot be known. */
function nothing(found: Findings): FsckReport {
  return { height: 0, firstHeight: 1, blocks: 0, entries: 0, findings: [...found.lines] };
}

async function checkGenesis({ crypto }: FsckParts, stored: Uint8Array, found: Findings): Promise<void> {
  const other = await found.over(() => decodeGenesis(crypto, stored));
  if (other !== undefined) throw new BropError('STORE_OTHER_CHAIN', toHex(other.hash));
  found.add('genesis: it is not the one that was given');
}

function changesBelow(kv: KeyValueStore, height: number): SetChange[] {
  return storedSetChanges(kv).filter(([header]) => decodeHeader(header).height < height);
}

/** Sealed segments are there, whole, and no others. */
async function checkFiles({ blobs }: FsckParts, kept: KeptBlocks, found: Findings): Promise<void> {
  const wanted = new Map(kept.sealedPaths().map((path) => [path, false]));
  for (const path of await blobs.list('blocks/')) {
    if (wanted.has(path)) wanted.set(path, true);
    else found.add(`${path}: is not wanted here`);
  }
  for (const [path, isThere] of wanted) if (!isThere) found.add(`${path}: is missing`);
}

function checkAccounts({ crypto, kv }: FsckParts, found: Findings): void {
  for (const { digest, record } of accountRows(kv)) {
    if (!equal(crypto.hash('sha-256', record), digest)) found.add(`account record ${toHex(digest)}: is another one`);
  }
}

function equalAll(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.length === b.length && a.every((bytes, i) => equal(bytes, b[i]!));
}
