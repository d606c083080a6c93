/**
 * What a node can say about the chain, each answer with its proof. Everything is read in one turn, so that state and
 * header belong together.
 */
import { canonicalName, decodeAccount } from '../chain/account.ts';
import type { Anchor } from '../chain/anchor.ts';
import { blockLeaf } from '../chain/block.ts';
import { type Refusal, refusal } from '../chain/codes.ts';
import { type AccountId, headerHash } from '../chain/identifiers.ts';
import { encodeReceipt } from '../chain/receipt.ts';
import { stateKey } from '../chain/state-keys.ts';
import { encodeExpiryCertificate, encodeStateProof, type StatePath } from '../chain/state-proof.ts';
import { decodeTransaction } from '../chain/transaction.ts';
import { decode } from '../codec/cbor.ts';
import { leafHash, MerkleTree } from '../crypto/merkle-log.ts';
import { inclusionFromTiles } from '../crypto/merkle-log-tiles.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { prove } from '../crypto/state-proof.ts';
import { stateKeyHash } from '../crypto/state-tree.ts';
import { quotaOf } from '../ledger/accounts.ts';
import { senderRefusal, transactionCost } from '../ledger/admission.ts';
import { prunedThroughOf } from '../ledger/nonces.ts';
import { quotaAt } from '../ledger/quota.ts';
import type {
  AccountView,
  BlockView,
  ChainAccess,
  ChainStatus,
  Quote,
  Submitted,
  TransactionStatus,
} from '../ports/chain-access.ts';
import type { Clock } from '../ports/clock.ts';
import type { ChainStore } from './chain-store.ts';
import type { Node } from './node.ts';
import type { StoredBlock } from './stored-block.ts';

const BLOCKS_KEPT = 4;

export class Queries implements ChainAccess {
  private readonly blocks = new Map<number, StoredBlock>();
  private readonly crypto: CryptoProvider;
  private readonly clock: Clock;
  private readonly node: Node;
  private readonly store: ChainStore;
  /** The tree of the block that was asked for last: receipts of one block are asked for together. */
  private tree: { readonly height: number; readonly tree: MerkleTree } | null = null;

  constructor(crypto: CryptoProvider, clock: Clock, node: Node) {
    this.crypto = crypto;
    this.clock = clock;
    this.node = node;
    this.store = node.store;
  }

  get genesis(): Uint8Array {
    return this.store.genesis.bytes;
  }

  async status(): Promise<ChainStatus> {
    const { store, node } = this;
    const { document, hash, validators } = store.genesis;
    return {
      genesisHash: hash,
      name: document.name,
      protocolVersion: document.protocolVersion,
      height: store.height,
      timeMs: store.timeMs,
      logSize: store.frontier.size,
      peers: node.peers.count,
      bestPeerHeight: node.peers.bestHeight,
      pending: { transactions: node.mempool.size, bytes: node.mempool.sizeBytes },
      validators: validators.validators.map(({ id, power }, i) => ({
        account: id,
        name: document.validators[i]!.name,
        power,
      })),
      expiryWindow: document.parameters.expiryWindow,
      blockIntervalMs: document.parameters.blockIntervalMs,
      consensus: node.consensus,
    };
  }

  async submit(transaction: Uint8Array): Promise<Submitted | Refusal> {
    const outcome = await this.node.submit(transaction);
    if ('code' in outcome) return outcome;
    const { sender, nonce, expiry } = outcome.pending.parsed.transaction;
    return { sender, nonce, expiry };
  }

  waitFinal(sender: AccountId, nonce: Uint8Array, timeoutMs: number): Promise<boolean> {
    return this.node.waitFinal(sender, nonce, timeoutMs);
  }

  /** Final blocks never change: the last few that were asked for need not be decoded again. */
  private storedBlock(height: number): StoredBlock | undefined {
    const known = this.blocks.get(height);
    if (known !== undefined) return known;
    const block = this.store.block(height);
    if (block === undefined) return undefined;
    if (this.blocks.size >= BLOCKS_KEPT) this.blocks.delete(this.blocks.keys().next().value!);
    this.blocks.set(height, block);
    return block;
  }

  async block(height: number): Promise<BlockView | undefined> {
    const block = this.storedBlock(height);
    if (block === undefined) return undefined;
    const { hash, document } = this.store.genesis;
    const transactions = block.transactions.map((bytes, i) => {
      const transaction = decodeTransaction(bytes, hash, document.protocolVersion);
      if ('code' in transaction) throw new Error(`block ${height} holds a transaction that does not decode`);
      return { sender: transaction.sender, nonce: transaction.nonce, result: block.results[i]! };
    });
    const [round, signatures] = block.certificate;
    const { header, headerBytes } = block;
    return {
      header,
      headerHash: headerHash(this.crypto, headerBytes),
      transactions,
      certificate: { round, signatures: signatures.length },
    };
  }

  async transaction(sender: AccountId, nonce: Uint8Array): Promise<TransactionStatus> {
    const place = this.store.place(sender, nonce);
    if (place !== undefined)
      return { status: 'final', ...place, result: this.storedBlock(place.height)!.results[place.index]! };
    const pending = this.node.mempool.get(sender, nonce);
    return pending === undefined
      ? { status: 'unknown' }
      : { status: 'pending', expiry: pending.parsed.transaction.expiry };
  }

  /** The receipt file of a final transaction. */
  async receipt(sender: AccountId, nonce: Uint8Array): Promise<Uint8Array | undefined> {
    const place = this.store.place(sender, nonce);
    if (place === undefined) return undefined;
    const block = this.storedBlock(place.height)!;
    const result = block.results[place.index]!;
    const logIndex = result[3];
    return encodeReceipt({
      type: 'brop.receipt.v1',
      ...this.anchor(block),
      transaction: block.transactions[place.index]!,
      sender: this.store.accountRecord(result[4])!,
      result,
      inBlock: [place.index, this.blockTree(block).path(place.index)],
      inLog:
        logIndex === null ? null : inclusionFromTiles(this.sha256, this.store.tile, logIndex, block.header.logSize),
    });
  }

  private readonly sha256 = (bytes: Uint8Array) => this.crypto.hash('sha-256', bytes);

  private blockTree(block: StoredBlock): MerkleTree {
    const { height } = block.header;
    if (this.tree?.height !== height) {
      const leaves = block.transactions.map((bytes, i) =>
        leafHash(this.sha256, blockLeaf(this.crypto, bytes, block.results[i]!)),
      );
      this.tree = { height, tree: new MerkleTree(this.sha256, leaves) };
    }
    return this.tree.tree;
  }

  private anchor(block: StoredBlock): Anchor {
    // The validator set is that of the genesis for the whole life of the chain until governance can change it.
    return {
      genesis: this.store.genesis.bytes,
      setChanges: [],
      header: block.headerBytes,
      certificate: block.certificate,
    };
  }

  /** Presence or absence of one state key at the newest height. */
  async stateProof(key: Uint8Array): Promise<Uint8Array | Refusal> {
    const newest = this.newest();
    if ('code' in newest) return newest;
    const value = this.store.get(key) ?? null;
    return encodeStateProof({
      type: 'brop.state-proof.v1',
      ...this.anchor(newest),
      entry: { key, value, path: this.path(key) },
    });
  }

  /** 超时证明: (sender, nonce) with this expiry was never packed and never will be. */
  async expiryCertificate(sender: AccountId, nonce: Uint8Array, expiry: number): Promise<Uint8Array | Refusal> {
    const newest = this.newest();
    if ('code' in newest) return newest;
    const { height } = newest.header;
    if (height < expiry) return refusal('HEIGHT_NOT_REACHED', `height ${height}, expiry ${expiry}`);
    if (this.store.place(sender, nonce) !== undefined)
      return refusal('NONCE_USED', 'it was packed: ask for its receipt');
    const prunedThrough = prunedThroughOf(this.store);
    if (prunedThrough !== null && prunedThrough >= expiry)
      return refusal('STATE_NOT_KEPT', `nonces are kept from expiry ${prunedThrough + 1} on`);
    return encodeExpiryCertificate({
      type: 'brop.expiry.v1',
      ...this.anchor(newest),
      sender,
      nonce,
      expiry,
      absence: this.path(stateKey.nonce(sender, nonce)),
      prunedThrough,
      prunedThroughPath: this.path(stateKey.prunedThrough()),
    });
  }

  private newest(): StoredBlock | Refusal {
    const height = this.store.newestHeight();
    return this.storedBlock(height) ?? refusal('HEIGHT_NOT_REACHED', 'there is no block yet');
  }

  private path(key: Uint8Array): StatePath {
    const hash = (bytes: Uint8Array) => this.crypto.hash(this.store.genesis.document.stateHash, bytes);
    const { siblings, leaf } = prove(hash, (path) => this.store.page(path), stateKeyHash(hash, key));
    return [siblings, leaf === null ? null : [leaf.keyHash, leaf.valueHash]];
  }

  async account(id: AccountId): Promise<AccountView | undefined> {
    const bytes = this.store.get(stateKey.account(id));
    if (bytes === undefined) return undefined;
    const account = decodeAccount(bytes);
    return { account, points: quotaAt(quotaOf(this.store, id), account.quota, this.clock.now()).points };
  }

  /** Account ID by its unique name. */
  async accountByName(name: string): Promise<AccountId | undefined> {
    const bytes = this.store.get(stateKey.accountByName(canonicalName(name)));
    const id = bytes === undefined ? undefined : decode(bytes);
    return id instanceof Uint8Array ? id : undefined;
  }

  /** A dry run: what the transaction would cost now and whether it would be refused. The signature is not checked. */
  async quote(bytes: Uint8Array): Promise<Quote | Refusal> {
    const parsed = this.node.submission.parse(bytes);
    if ('code' in parsed) return parsed;
    const { transaction } = parsed;
    const account = senderRefusal(this.store, transaction);
    if ('code' in account) return account;
    const cost = transactionCost(parsed, this.store.genesis.document.parameters, this.store.height + 1);
    const { points } = quotaAt(quotaOf(this.store, transaction.sender), account.quota, this.clock.now());
    const available = Math.max(0, points - this.node.mempool.reservedBy(transaction.sender));
    return { cost, available, refusal: this.node.submission.refusalNow(parsed, account) };
  }
}
