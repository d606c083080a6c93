/**
 * Checks a store against its own hashes and certificates, from the genesis on, and names what is wrong. Nothing is
 * written; all is looked at, however much is found before.
 */
import { verifyCertificate } from '../chain/certificate.ts';
import { BropError } from '../chain/codes.ts';
import { decodeGenesis, type Genesis } from '../chain/genesis.ts';
import type { Header } from '../chain/header.ts';
import { headerHash } from '../chain/identifiers.ts';
import { segmentOf, segmentPath } from '../chain/segment.ts';
import { tilePath } from '../chain/tile-path.ts';
import type { ValidatorSet } from '../chain/validator-set.ts';
import { equal, toHex } from '../codec/bytes.ts';
import { CodecError } from '../codec/error.ts';
import type { Hash } from '../crypto/hash-type.ts';
import { type LogFrontier, leafHash, rootOf } from '../crypto/merkle-log.ts';
import { frontierFromTiles, TILE_WIDTH } from '../crypto/merkle-log-tiles.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { TreeError } from '../crypto/tree-error.ts';
import { usedNonceOf } from '../ledger/nonces.ts';
import type { Blobs } from '../ports/blobs.ts';
import { type KeyValueStore, StoreError } from '../ports/key-value-store.ts';
import {
  accountRows,
  readHeadRow,
  readOrigin,
  stateReader,
  storedGenesis,
  tileReader,
  tileRows,
} from './chain-rows.ts';
import { checkEntries, checkPages } from './fsck-state.ts';
import { KeptBlocks } from './kept-blocks.ts';
import { leavesOf } from './log-entries.ts';
import { PLACE_ROWS, pairOfPlace, recordedPlace } from './nonce-rows.ts';
import { indexIn, packedTransaction } from './packed.ts';
import { belongsToHeader, type StoredBlock } from './stored-block.ts';

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
  const walk = await found.over(() => new Walk(parts, found, head[0]));
  if (walk === undefined) return nothing(found);
  const { blocks, firstHeight, newest } = await walk.run();
  await checkFiles(parts, walk.kept, found);
  checkAccounts(parts, found);
  const stateHash: Hash = (data) => parts.crypto.hash(genesis.document.stateHash, data);
  let entries = 0;
  if (newest !== null) {
    const { header } = newest;
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

/** Blocks in their order: each on its parent, certified, whole, in the log, and found by its transactions. */
class Walk {
  readonly kept: KeptBlocks;
  private readonly parts: FsckParts;
  private readonly found: Findings;
  private readonly head: number;
  private readonly sha256: Hash;
  private readonly set: ValidatorSet;
  private parent: Uint8Array | null;
  private frontier: LogFrontier | null = null;
  /** Place rows that a block has confirmed. */
  private placed = 0;

  constructor(parts: FsckParts, found: Findings, head: number) {
    const { crypto, kv, blobs, genesis } = parts;
    this.parts = parts;
    this.found = found;
    this.head = head;
    this.sha256 = (data) => crypto.hash('sha-256', data);
    this.set = genesis.validators;
    const origin = readOrigin(kv);
    this.kept = new KeptBlocks(crypto, kv, blobs, origin?.header.height ?? 0);
    const { firstHeight } = this.kept;
    const isFromOrigin = origin !== null && origin.header.height === firstHeight - 1;
    this.parent = firstHeight === 1 ? genesis.hash : null;
    if (isFromOrigin) this.parent = headerHash(crypto, origin.headerBytes);
  }

  async run() {
    const { kept, found, head } = this;
    let blocks = 0;
    let newest: { readonly header: Header } | null = readOrigin(this.parts.kv);
    if (newest !== null && newest.header.height !== head) newest = null;
    for (let height = kept.firstHeight; height <= head || kept.recent(height) !== undefined; height++) {
      found.step(`blocks: height ${height}`);
      const block = await found.over(() => kept.block(height));
      if (block === undefined) {
        if (height <= head && height >= kept.firstHeight) await this.missing(height);
        this.parent = null;
        this.frontier = null;
        continue;
      }
      blocks += 1;
      await this.check(block, height);
      if (height === head) newest = block;
    }
    this.checkTiles();
    await this.checkPlaceRows();
    return { blocks, firstHeight: kept.firstHeight, newest };
  }

  /** Damage has been said by its name already. */
  private async missing(height: number): Promise<void> {
    const read = await this.kept.row(height).catch(() => null);
    if (read === undefined) this.found.add(`block ${height}: is missing`);
  }

  private async check(block: StoredBlock, height: number): Promise<void> {
    const { crypto, genesis } = this.parts;
    const { header, headerBytes, certificate } = block;
    const wrong = (what: string) => this.found.add(`${this.place(height)}, row of height ${height}: ${what}`);
    if (header.height !== height) return wrong(`its header is of height ${header.height}`);
    if (!equal(header.chain, genesis.hash)) wrong('is of another chain');
    if (this.parent !== null && !equal(header.parent, this.parent)) wrong('does not follow from the block before it');
    if (!equal(header.validatorsHash, this.set.hash)) wrong('is of a validator set that is not known');
    const refused = verifyCertificate(crypto, this.set, header, headerBytes, certificate);
    if (refused !== null) wrong(`is not certified: ${refused.detail ?? refused.code}`);
    if (!belongsToHeader(crypto, block)) wrong('its transactions or results are not those of its header');
    this.parent = headerHash(crypto, headerBytes);
    if (height > this.head) return;
    await this.checkLog(block, wrong);
    this.checkPlaces(block, wrong);
  }

  private async checkLog(block: StoredBlock, wrong: (what: string) => void): Promise<void> {
    const { logSize, logRoot } = block.header;
    const leaves = leavesOf(block).map((bytes) => leafHash(this.sha256, bytes));
    const first = logSize - leaves.length;
    this.frontier ??= (await this.found.over(() => this.frontierAt(first))) ?? null;
    if (this.frontier === null) return;
    this.frontier = this.frontier.append(leaves);
    if (this.frontier.size !== logSize || !equal(this.frontier.root(), logRoot)) {
      wrong('its log root does not follow from its transactions');
      this.frontier = null;
    }
    for (const [i, leaf] of leaves.entries()) {
      const index = first + i;
      const tile = tileReader(this.parts.kv)(0, Math.floor(index / TILE_WIDTH));
      const at = (index % TILE_WIDTH) * leaf.length;
      if (tile === undefined || !equal(tile.subarray(at, at + leaf.length), leaf))
        this.found.add(`${tileName(0, Math.floor(index / TILE_WIDTH))}: does not hold leaf ${index}`);
    }
  }

  private frontierAt(size: number): LogFrontier {
    return frontierFromTiles(this.sha256, tileReader(this.parts.kv), size);
  }

  /** The log that the tiles hold, when it has the certified root. */
  logAt({ logSize, logRoot }: Header): LogFrontier {
    const frontier = this.frontierAt(logSize);
    if (!equal(frontier.root(), logRoot)) this.found.add('log: the tiles do not lead to the root in the newest header');
    return frontier;
  }

  /** Each hash above the lowest level is that of the full tile below it. */
  private checkTiles(): void {
    const read = tileReader(this.parts.kv);
    for (const { level, index, hashes } of tileRows(this.parts.kv)) {
      if (level === 0) continue;
      for (let i = 0; i * 32 < hashes.length; i++) {
        const below = read(level - 1, index * TILE_WIDTH + i);
        // Of a chain that began from a snapshot only the right edge is here.
        if (below === undefined) continue;
        const leaves = Array.from({ length: below.length / 32 }, (_, j) => below.subarray(j * 32, j * 32 + 32));
        if (!equal(rootOf(this.sha256, leaves), hashes.subarray(i * 32, i * 32 + 32)))
          this.found.add(`${tileName(level - 1, index * TILE_WIDTH + i)}: does not have the root that the log says`);
      }
    }
  }

  private checkPlaces(block: StoredBlock, wrong: (what: string) => void): void {
    const { kv, genesis, crypto } = this.parts;
    const state = stateReader((data) => crypto.hash(genesis.document.stateHash, data), kv);
    for (const [i, bytes] of block.transactions.entries()) {
      const { sender, nonce } = packedTransaction(block, bytes);
      const { height } = block.header;
      const [used, recorded] = [
        orNothing(() => usedNonceOf(state, sender, nonce)?.height),
        orNothing(() => recordedPlace(kv, sender, nonce)),
      ];
      if (recorded === height) this.placed += 1;
      if ((used ?? recorded ?? 0) < height)
        wrong(`transaction ${i}: neither the state nor a place row says that it is here`);
    }
  }

  /** Rows that no block has confirmed are looked at one by one. */
  private async checkPlaceRows(): Promise<void> {
    const { kv } = this.parts;
    let rows = 0;
    for (const _ of kv.range(...PLACE_ROWS)) rows += 1;
    if (rows === this.placed) return;
    for (const { key } of kv.range(...PLACE_ROWS)) {
      const { sender, nonce } = pairOfPlace(key);
      const height = orNothing(() => recordedPlace(kv, sender, nonce));
      // A block that is no longer kept may leave its rows behind when the node dies while it forgets it.
      if (height !== undefined && height >= 1 && height < this.kept.firstHeight) continue;
      const block = height === undefined ? undefined : await this.kept.block(height).catch(() => undefined);
      if (block === undefined || indexIn(block, sender, nonce) === undefined)
        this.found.add(`place of ${toHex(sender)} ${toHex(nonce)}: it is not in block ${height ?? '?'}`);
    }
  }

  private place(height: number): string {
    return this.kept.recent(height) === undefined ? segmentPath(segmentOf(height)) : 'the store';
  }
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

function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}

function tileName(level: number, index: number): string {
  return `tile/${level}/${tilePath(index)}`;
}

function equalAll(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.length === b.length && a.every((bytes, i) => equal(bytes, b[i]!));
}
