/**
 * The chain over a key-value store: one durable write per block, and everything that execution and proofs read.
 *
 * A block is durable when it is decided. What follows from it (`h`, `a`, `n`, `t`, `s`, `l`, `v`) waits in memory and is
 * flushed in one batch now and then; when a store is opened, the blocks after the last flush are executed again.
 * The rows are in chain-rows.ts.
 */
import type { Anchor, SetChange } from '../chain/anchor.ts';
import type { Certificate } from '../chain/certificate.ts';
import { BropError } from '../chain/codes.ts';
import { decodeGenesis, type Genesis } from '../chain/genesis.ts';
import { decodeHeader } from '../chain/header.ts';
import { type AccountId, transactionStem } from '../chain/identifiers.ts';
import { packedTransaction } from '../chain/packed.ts';
import type { Row } from '../chain/segment.ts';
import { decodeStoredBlock, type StoredBlock } from '../chain/stored-block.ts';
import { decodeValidatorSet, type ValidatorSet } from '../chain/validator-set.ts';
import { concat, equal, uint64 } from '../codec/bytes.ts';
import type { Hash } from '../crypto/hash-type.ts';
import type { LogFrontier } from '../crypto/merkle-log.ts';
import { appendTiles, type TileReader, type TileWrite } from '../crypto/merkle-log-tiles.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { ExecutedBlock, LedgerView } from '../ledger/execute-block.ts';
import { accountOfNode } from '../ledger/nodes.ts';
import { type ExpiringNonce, usedNonceOf } from '../ledger/nonces.ts';
import { type SenderRecord, Senders } from '../ledger/senders.ts';
import type { StateReader } from '../ledger/state.ts';
import { setInForce } from '../ledger/validators.ts';
import type { Blobs } from '../ports/blobs.ts';
import type { KeyValueStore, ReadView, Write } from '../ports/key-value-store.ts';
import {
  accountKey,
  type Certified,
  type Head,
  headWrite,
  initialWrites,
  readHead,
  readHeadRow,
  readOrigin,
  setChangeWrite,
  stateReader,
  stateWrites,
  storedGenesis,
  storedSetChanges,
  tileReader,
  tileWrites,
} from './chain-rows.ts';
import { DeferredRows } from './deferred-rows.ts';
import { executeStored } from './execute-stored.ts';
import { KeptBlocks, type Pause } from './kept-blocks.ts';
import { KeptEquivocations } from './kept-equivocations.ts';
import {
  AFTER_PROPOSALS,
  type KeptProposal,
  PROPOSAL,
  proposalKey,
  proposalValue,
  splitProposal,
} from './kept-proposals.ts';
import { longValueRemoval, longValuesIn, longValueWrites } from './long-values.ts';
import type { TileName } from './mend-tile.ts';
import { expiringNonces, forgetPlace, recordedPlace, removalWrites } from './nonce-rows.ts';
import { pageRowKey } from './state-rows.ts';
import { discardJoin } from './unfinished-join.ts';
import { UpperPages } from './upper-pages.ts';

/** Some hundred transactions under load: what a crash makes a node execute again, and what a flush takes of memory. */
const FLUSH_BYTES = 1 << 20;
const FLUSH_HEIGHTS = 256;

export class ChainStore implements LedgerView {
  readonly genesis: Genesis;
  /** Evidence against validators; it is no part of the chain. */
  readonly equivocations: KeptEquivocations;
  /** What the snapshot was about that this store began from; blocks, places and records up to it are not here. */
  readonly origin: Certified | null;
  readonly blocks: KeptBlocks;
  /** Tiles that were found damaged, by their paths, until they are whole again. */
  readonly damagedTiles = new Map<string, TileName>();
  readonly tile: TileReader;
  private readonly kv: KeyValueStore;
  private readonly rows: DeferredRows;
  private readonly crypto: CryptoProvider;
  private readonly sha256: Hash;
  private readonly stateHash: Hash;
  private readonly state: StateReader;
  private readonly senders: Senders;
  private readonly upperPages = new UpperPages();
  private head: Head;
  private inForce: ValidatorSet;
  private readonly changes: SetChange[];
  private flushedTo: number;
  private flushing: Promise<void> = Promise.resolve();

  private constructor(crypto: CryptoProvider, kv: KeyValueStore, blobs: Blobs, genesis: Genesis, head: Head) {
    this.kv = kv;
    this.rows = new DeferredRows(kv);
    this.crypto = crypto;
    this.equivocations = new KeptEquivocations(kv);
    this.origin = readOrigin(kv);
    this.blocks = new KeptBlocks(crypto, kv, blobs, this.origin?.header.height ?? 0);
    this.genesis = genesis;
    this.head = head;
    this.flushedTo = head.height;
    this.senders = new Senders(crypto, this);
    this.sha256 = (bytes) => crypto.hash('sha-256', bytes);
    this.stateHash = (bytes) => crypto.hash(genesis.document.stateHash, bytes);
    this.state = stateReader(this.stateHash, this.rows);
    this.tile = tileReader(this.rows);
    this.inForce = setInForce(crypto, this.state, genesis).set;
    this.changes = storedSetChanges(this.rows);
    if (this.origin !== null && head.height === this.origin.header.height) this.noteSetChange(this.origin);
  }

  /**
   * Opens the chain of this genesis; an empty store starts at height 0.
   * @throws {BropError} STORE_OTHER_CHAIN, STORE_CORRUPT
   */
  static async open(
    crypto: CryptoProvider,
    kv: KeyValueStore,
    blobs: Blobs,
    genesisBytes: Uint8Array,
  ): Promise<ChainStore> {
    const genesis = decodeGenesis(crypto, genesisBytes);
    const stored = storedGenesis(kv);
    if (stored === undefined) {
      await discardJoin(kv);
      await kv.write(initialWrites(crypto, genesis));
    } else if (!equal(stored, genesisBytes)) throw new BropError('STORE_OTHER_CHAIN');
    const store = new ChainStore(crypto, kv, blobs, genesis, readHead(crypto, kv, genesis));
    store.executeAgain();
    return store;
  }

  /** Blocks whose effects had not been flushed. */
  private executeAgain(): void {
    for (let row = this.blocks.recent(this.height + 1); row !== undefined; row = this.blocks.recent(this.height + 1)) {
      const { executed, certificate } = executeStored(this.crypto, this, row);
      this.take(executed, certificate);
    }
  }

  get height(): number {
    return this.head.height;
  }
  get timeMs(): number {
    return this.head.timeMs;
  }
  get parent(): Uint8Array {
    return this.head.parent;
  }
  get frontier(): LogFrontier {
    return this.head.frontier;
  }
  get validators(): ValidatorSet {
    return this.inForce;
  }

  /** The changes of the validator set so far, as anchors hold them. */
  setChanges(): readonly SetChange[] {
    return this.changes;
  }

  /** The block at whose end another set takes over stays for ever, with its certificate: light clients go over it. */
  private noteSetChange({ header, headerBytes, certificate }: Certified): void {
    if (equal(header.validatorsHash, header.nextValidatorsHash)) return;
    const isNoted = this.changes.some(([noted]) => equal(noted, headerBytes));
    if (isNoted) return;
    const change: SetChange = [headerBytes, certificate, this.inForce.bytes];
    this.rows.add([setChangeWrite(header.height, change)]);
    this.changes.push(change);
  }

  /** Whose node has this key (SHA-256 of the SPKI of its TLS key), as the chain knows it. */
  accountOfNode(nodeKey: Uint8Array): AccountId | undefined {
    return accountOfNode(this.state, this.genesis, nodeKey);
  }

  /** Header and certificate of `height`; undefined where this store has neither block nor origin. */
  async certified(height: number): Promise<Certified | undefined> {
    return height === this.origin?.header.height ? this.origin : this.block(height);
  }

  /** What proves the header of `height` from the genesis hash; undefined where {@link certified} is. */
  async anchor(height: number): Promise<Anchor | undefined> {
    const certified = await this.certified(height);
    return certified === undefined ? undefined : this.anchorOf(certified);
  }

  anchorOf({ header, headerBytes, certificate }: Certified): Anchor {
    const setChanges = this.setChanges().filter(([bytes]) => decodeHeader(bytes).height < header.height);
    return { genesis: this.genesis.bytes, setChanges, header: headerBytes, certificate };
  }

  /** Flushes, and gives a view of the rows with the height and log size that they are at. */
  async flushedView(): Promise<{ readonly view: ReadView; readonly height: number; readonly logSize: number }> {
    await this.flush();
    const view = this.kv.snapshot();
    const [height, , logSize] = readHeadRow(view);
    return { view, height, logSize };
  }

  /** The height up to which everything is in the store, and not only the blocks. */
  get flushedHeight(): number {
    return this.flushedTo;
  }

  /** Resolves when everything up to the height of the call is in the store. @throws {StoreError} */
  async flush(): Promise<void> {
    const { height, timeMs, frontier } = this.head;
    await this.rows.flush([headWrite({ height, timeMs, frontier })]);
    this.flushedTo = Math.max(this.flushedTo, height);
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.state.get(key);
  }

  sender(id: Uint8Array): SenderRecord | undefined {
    return this.senders.of(id);
  }

  /** Its bytes stay as they are until the next block is committed. */
  page(path: Uint8Array): Uint8Array | undefined {
    return this.upperPages.get(path, this.storedPage);
  }

  private readonly storedPage = (path: Uint8Array) => this.rows.get(pageRowKey(path));

  expiringNonces(through: number, limit: number): Iterable<ExpiringNonce> {
    return expiringNonces(this.rows, through, limit);
  }

  /** Puts a tile in place of one that is damaged; what has been appended to it since stays. */
  mendTile({ level, index, hashes }: TileWrite): void {
    const longer = this.tile(level, index)?.subarray(hashes.length) ?? new Uint8Array();
    this.rows.add(tileWrites({ level, index, hashes: concat(hashes, longer) }));
  }

  /** Makes a decided block part of the chain: durable when this resolves. */
  async commit(executed: ExecutedBlock, certificate: Certificate): Promise<void> {
    const { height } = executed.header;
    if (height !== this.height + 1) throw new Error(`block ${height} after ${this.height}`);
    const obsolete = [...this.kv.range(PROPOSAL, AFTER_PROPOSALS)].map(({ key }) => ({ key, value: null }));
    await this.blocks.add(executed, certificate, obsolete);
    this.take(executed, certificate);
    if (this.rows.sizeBytes < FLUSH_BYTES && height - this.flushedTo < FLUSH_HEIGHTS) return;
    // Beside the next blocks, unless they come faster than the disk takes them. What fails here fails the next write.
    const before = this.flushing;
    this.flushing = this.flush().catch(() => {});
    await before;
  }

  /** From here on the block's effects are what is read. */
  private take(executed: ExecutedBlock, certificate: Certificate): void {
    const { header, headerBytes, frontier, noncesRemoved } = executed;
    this.rows.add([
      ...this.indexWrites(executed),
      ...stateWrites(this.stateHash, executed),
      ...removalWrites(this.stateHash, this.rows, noncesRemoved, this.blocks.firstHeight),
    ]);
    this.senders.forget();
    for (const [path, page] of executed.pages) this.upperPages.set(path, page);
    this.inForce = executed.nextValidators;
    this.noteSetChange({ header, headerBytes, certificate });
    this.head = { height: header.height, timeMs: header.timeMs, parent: executed.headerHash, frontier };
  }

  private indexWrites(executed: ExecutedBlock): Write[] {
    const { results, senders } = executed;
    const writes: Write[] = [];
    // Who sends often has one record, and one object for it.
    const seen = new Set<Uint8Array>();
    for (const [i, record] of senders.entries()) {
      if (seen.has(record)) continue;
      seen.add(record);
      const key = accountKey(results[i]![4]);
      if (this.rows.get(key) === undefined) writes.push({ key, value: record });
    }
    const tiles = appendTiles(this.sha256, this.tile, this.frontier.size, executed.logLeafHashes);
    return [...writes, ...tiles.flatMap(tileWrites)];
  }

  /** A committed block with what was recorded beside it. @throws {BropError} STORE_CORRUPT, naming what is damaged. */
  block(height: number): Promise<StoredBlock | undefined> {
    return this.blocks.block(height);
  }

  /**
   * A block that is not sealed yet, the newest of all among them, at once and as it was written.
   * @throws {BropError} STORE_CORRUPT
   */
  recentBlock(height: number): StoredBlock | undefined {
    const row = this.blocks.recent(height);
    return row === undefined ? undefined : decodeStoredBlock(...row);
  }

  /** The exact stored bytes [block, commit], as they travel between nodes. @throws {BropError} STORE_CORRUPT */
  row(height: number): Promise<Row | undefined> {
    return this.blocks.row(height);
  }

  /** The set that signed this height. */
  validatorsAt(height: number): ValidatorSet {
    const last = this.changes.filter(([header]) => decodeHeader(header).height < height).at(-1);
    return last === undefined ? this.genesis.validators : decodeValidatorSet(this.crypto, last[2]);
  }

  /**
   * Whether a certificate above this height holds a signature of ours. Reads them all.
   * @param placeIn our index in a set; null when we are not in it.
   */
  async hasSignatureOf(placeIn: (set: ValidatorSet) => number | null, above: number): Promise<boolean> {
    const isSigned = ({ header: { height }, certificate: [, signatures] }: Certified) => {
      const place = placeIn(this.validatorsAt(height));
      return signatures.some(([index]) => index === place);
    };
    const { origin } = this;
    if (origin !== null && origin.header.height > above && isSigned(origin)) return true;
    for await (const block of this.blocks.from(above + 1)) if (isSigned(block)) return true;
    return false;
  }

  /** Height of a block that packed (sender, nonce): the state says it, or after that a place row. */
  packedAt(sender: Uint8Array, nonce: Uint8Array): number | undefined {
    const stem = transactionStem(this.crypto, { sender, nonce });
    return usedNonceOf(this, stem)?.height ?? recordedPlace(this.rows, stem);
  }

  /** Whether the pair was packed once, and the state has forgotten it since. */
  wasForgotten(stem: Uint8Array): boolean {
    return recordedPlace(this.rows, stem) !== undefined;
  }

  /** Forgets the oldest segment of blocks when all of it is below `height`; false when none is to go. */
  pruneNext(height: number, pause: Pause): Promise<boolean> {
    const forget = (block: StoredBlock) => {
      for (const bytes of block.transactions) {
        const stem = transactionStem(this.crypto, packedTransaction(block, bytes));
        this.rows.add(forgetPlace(this.rows, stem, block.header.height));
      }
    };
    return this.blocks.pruneNext(height, forget, pause);
  }

  /** The account record with this digest, as a result refers to it. */
  accountRecord(digest: Uint8Array): Uint8Array | undefined {
    return this.rows.get(accountKey(digest));
  }

  /** Keeps a proposal of the undecided height and forgets `obsolete` ones; durable when this resolves. */
  async keepProposal(proposal: KeptProposal, obsolete: readonly KeptProposal[] = []): Promise<void> {
    await this.kv.write([
      ...obsolete.flatMap((other) => longValueRemoval(this.kv, proposalKey(other))),
      // A draft that was never sent may have been longer.
      ...longValueRemoval(this.kv, proposalKey(proposal)),
      ...longValueWrites(proposalKey(proposal), proposalValue(proposal)),
    ]);
  }

  /** Proposals kept for `height`, in the order of their rounds. */
  keptProposals(height: number): KeptProposal[] {
    const rows = longValuesIn(this.kv, concat(PROPOSAL, uint64(height)), concat(PROPOSAL, uint64(height + 1)));
    return [...rows].map(({ key, value }) => splitProposal(key, value));
  }

  async close(): Promise<void> {
    try {
      if (this.flushedTo < this.height) await this.flush();
    } catch {
      // The blocks are there: the next start executes them again.
    }
    await this.kv.close();
  }
}
