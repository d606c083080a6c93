/** Checks the blocks of a store, the log that they make, and what says where their transactions are. */
import { verifyCertificate } from '../chain/certificate.ts';
import { decodeHeader, type Header } from '../chain/header.ts';
import { headerHash, transactionStem } from '../chain/identifiers.ts';
import { packedTransaction } from '../chain/packed.ts';
import { segmentOf, segmentPath } from '../chain/segment.ts';
import { belongsToHeader, type StoredBlock } from '../chain/stored-block.ts';
import { tilePath } from '../chain/tile-path.ts';
import { decodeValidatorSet, type ValidatorSet } from '../chain/validator-set.ts';
import { equal, toHex } from '../codec/bytes.ts';
import { CodecError } from '../codec/error.ts';
import type { Hash } from '../crypto/hash-type.ts';
import { type LogFrontier, leafHash, rootOf } from '../crypto/merkle-log.ts';
import { frontierFromTiles, TILE_WIDTH } from '../crypto/merkle-log-tiles.ts';
import { usedNonceOf } from '../ledger/nonces.ts';
import { type Certified, readOrigin, stateReader, storedSetChanges, tileReader, tileRows } from './chain-rows.ts';
import type { Findings, FsckParts } from './fsck.ts';
import { KeptBlocks } from './kept-blocks.ts';
import { leavesOf } from './log-entries.ts';
import { PLACE_ROWS, recordedPlace, stemOfPlace } from './nonce-rows.ts';

/** Blocks in their order: each on its parent, certified, whole, in the log, and found by its transactions. */
export class BlockWalk {
  readonly kept: KeptBlocks;
  private readonly parts: FsckParts;
  private readonly found: Findings;
  private readonly head: number;
  private readonly sha256: Hash;
  /** The sets in their order, each with the first height that it decides. */
  private readonly sets: { readonly from: number; readonly set: ValidatorSet }[];
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
    const changes = storedSetChanges(kv).map(([header, , set]) => ({
      from: decodeHeader(header).height + 1,
      set: decodeValidatorSet(crypto, set),
    }));
    this.sets = [{ from: 1, set: genesis.validators }, ...changes];
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
    let newest: Certified | null = readOrigin(this.parts.kv);
    if (newest !== null && newest.header.height !== head) newest = null;
    for (let height = kept.firstHeight; height <= head || kept.hasRecent(height); height++) {
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
    const set = this.setOf(height);
    // A change after the last flush is found when these blocks are executed again.
    if (equal(header.validatorsHash, set.hash)) {
      const refused = verifyCertificate(crypto, set, header, headerBytes, certificate);
      if (refused !== null) wrong(`is not certified: ${refused.detail ?? refused.code}`);
    } else if (height <= this.head) wrong('is of another validator set than the changes say');
    if (height < this.head && !equal(header.nextValidatorsHash, this.setOf(height + 1).hash))
      wrong('announces another validator set than the changes say');
    if (!belongsToHeader(crypto, block)) wrong('its transactions or results are not those of its header');
    this.parent = headerHash(crypto, headerBytes);
    if (height > this.head) return;
    await this.checkLog(block, wrong);
    this.checkPlaces(block, wrong);
  }

  private setOf(height: number): ValidatorSet {
    return this.sets.findLast(({ from }) => from <= height)!.set;
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
      const stem = transactionStem(crypto, packedTransaction(block, bytes));
      const { height } = block.header;
      const [used, recorded] = [
        orNothing(() => usedNonceOf(state, stem)?.height),
        orNothing(() => recordedPlace(kv, stem)),
      ];
      if (recorded === height) this.placed += 1;
      if ((used ?? recorded ?? 0) < height)
        wrong(`transaction ${i}: neither the state nor a place row says that it is here`);
    }
  }

  /** Rows that no block has confirmed are looked at one by one. */
  private async checkPlaceRows(): Promise<void> {
    const { kv, crypto } = this.parts;
    let rows = 0;
    for (const _ of kv.range(...PLACE_ROWS)) rows += 1;
    if (rows === this.placed) return;
    for (const { key } of kv.range(...PLACE_ROWS)) {
      const stem = stemOfPlace(key);
      const height = orNothing(() => recordedPlace(kv, stem));
      // A block that is no longer kept may leave its rows behind when the node dies while it forgets it.
      if (height !== undefined && height >= 1 && height < this.kept.firstHeight) continue;
      const block = height === undefined ? undefined : await this.kept.block(height).catch(() => undefined);
      const isHere = (bytes: Uint8Array) => equal(transactionStem(crypto, packedTransaction(block!, bytes)), stem);
      if (!block?.transactions.some(isHere))
        this.found.add(`place of the transaction ${toHex(stem)}: it is not in block ${height ?? '?'}`);
    }
  }

  private place(height: number): string {
    return this.kept.hasRecent(height) ? 'the store' : segmentPath(segmentOf(height));
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
