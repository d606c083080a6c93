/**
 * What a node can say about the chain, each answer with its proof. The state and its height are read in one turn, so
 * that state and header belong together.
 */
import { canonicalName, decodeAccount } from '../chain/account.ts';
import type { Anchor } from '../chain/anchor.ts';
import { BlockReceipts } from '../chain/block-receipts.ts';
import { BropError, type Refusal, refusal } from '../chain/codes.ts';
import { type EquivocationName, verifyEquivocation } from '../chain/equivocation.ts';
import { decodeHeader } from '../chain/header.ts';
import { type AccountId, HASH_BYTES, originOfRecord, transactionStem } from '../chain/identifiers.ts';
import { decodeSubjectHead, evidenceRecordIn } from '../chain/operations/evidence-record.ts';
import { indexIn } from '../chain/packed.ts';
import { stateKey } from '../chain/state-keys.ts';
import { encodeExpiryCertificate, encodeStateProof, holdsInState, type StatePath } from '../chain/state-proof.ts';
import type { StoredBlock } from '../chain/stored-block.ts';
import { encodeSubjectProof, MAX_WALKED_RECORDS, SubjectWalk, verifySubjectProof } from '../chain/subject-proof.ts';
import { toHex, utf8 } from '../codec/bytes.ts';
import { decode } from '../codec/cbor.ts';
import { inclusionFromTiles } from '../crypto/merkle-log-tiles.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { prove } from '../crypto/state-proof.ts';
import { stateKeyHash } from '../crypto/state-tree.ts';
import { quotaOf } from '../ledger/accounts.ts';
import { senderRefusal, transactionCost } from '../ledger/admission.ts';
import { prunedThroughOf } from '../ledger/nonces.ts';
import { quotaAt } from '../ledger/quota.ts';
import { blockView } from '../middleware/block-view.ts';
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
import type { Accepted } from './submission.ts';

const BLOCKS_KEPT = 4;
/** Of its records; with the anchor a proof stays below its 4,000,000 bytes. */
const MAX_SUBJECT_PROOF_BYTES = 2_500_000;

interface Place {
  readonly block: StoredBlock;
  readonly index: number;
}

export class Queries implements ChainAccess {
  private readonly blocks = new Map<number, StoredBlock>();
  private readonly crypto: CryptoProvider;
  private readonly clock: Clock;
  private readonly node: Node;
  private readonly store: ChainStore;
  private readonly receipts: BlockReceipts;

  constructor(crypto: CryptoProvider, clock: Clock, node: Node) {
    this.crypto = crypto;
    this.clock = clock;
    this.node = node;
    this.store = node.store;
    this.receipts = new BlockReceipts(crypto);
  }

  get genesis(): Uint8Array {
    return this.store.genesis.bytes;
  }

  async status(): Promise<ChainStatus> {
    const { store, node } = this;
    const { document, hash } = store.genesis;
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
      validators: store.validators.validators.map(({ id, power }) => ({ account: id, name: this.nameOf(id), power })),
      expiryWindow: document.parameters.expiryWindow,
      blockIntervalMs: document.parameters.blockIntervalMs,
      firstHeight: store.blocks.firstHeight,
      equivocations: this.accused(),
      standbySigners: node.standbySigners.list(store.validators),
      consensus: node.consensus,
    };
  }

  private nameOf(id: AccountId): string {
    return this.store.sender(id)?.account.name ?? '';
  }

  private accused(): ChainStatus['equivocations'] {
    const names = this.store.equivocations.list();
    const validators = new Map(names.map(({ validator }) => [toHex(validator), validator]));
    return { count: names.length, validators: [...validators.values()] };
  }

  async equivocations(): Promise<readonly EquivocationName[]> {
    return this.store.equivocations.list();
  }

  async equivocation(name: EquivocationName): Promise<Uint8Array | undefined> {
    const evidence = this.store.equivocations.get(name);
    const facts = evidence && verifyEquivocation(this.crypto, evidence, this.store.genesis.hash);
    if (facts && 'code' in facts) throw damaged('evidence of equivocation', facts);
    return evidence;
  }

  async submit(transaction: Uint8Array): Promise<Submitted | Refusal> {
    return submittedOf(await this.node.submit(transaction));
  }

  async submitAll(transactions: readonly Uint8Array[]): Promise<readonly (Submitted | Refusal)[]> {
    return (await this.node.submitAll(transactions)).map(submittedOf);
  }

  waitFinal(sender: AccountId, nonce: Uint8Array, timeoutMs: number): Promise<boolean> {
    return this.node.waitFinal(sender, nonce, timeoutMs);
  }

  /** Final blocks never change: the last few that were asked for need not be decoded again. */
  private async storedBlock(height: number): Promise<StoredBlock | undefined> {
    const known = this.blocks.get(height);
    if (known !== undefined) return known;
    const block = await this.store.block(height);
    if (block === undefined) return undefined;
    if (this.blocks.size >= BLOCKS_KEPT) this.blocks.delete(this.blocks.keys().next().value!);
    this.blocks.set(height, block);
    return block;
  }

  /** @throws {BropError} PRUNED, STORE_CORRUPT */
  private async keptBlock(height: number): Promise<StoredBlock | undefined> {
    const block = await this.storedBlock(height);
    const { firstHeight } = this.store.blocks;
    if (block === undefined && height > 0 && height < firstHeight)
      throw new BropError('PRUNED', `Height ${height}; this node keeps blocks from height ${firstHeight} on.`);
    return block;
  }

  async block(height: number): Promise<BlockView | undefined> {
    const block = await this.keptBlock(height);
    return block === undefined ? undefined : blockView(this.crypto, block);
  }

  /** Where (sender, nonce) is; undefined when no block has it as far as this node knows. */
  private async place(sender: AccountId, nonce: Uint8Array): Promise<Place | undefined> {
    const height = this.store.packedAt(sender, nonce);
    if (height === undefined) return undefined;
    const block = await this.keptBlock(height);
    const index = block === undefined ? undefined : indexIn(block, sender, nonce);
    if (block === undefined || index === undefined)
      throw new BropError('STORE_CORRUPT', `block ${height} does not hold what the state says`);
    return { block, index };
  }

  async transaction(sender: AccountId, nonce: Uint8Array): Promise<TransactionStatus> {
    const place = await this.place(sender, nonce);
    if (place !== undefined) {
      const { block, index } = place;
      return { status: 'final', height: block.header.height, index, result: block.results[index]! };
    }
    const pending = this.node.mempool.get(sender, nonce);
    return pending === undefined
      ? { status: 'unknown' }
      : { status: 'pending', expiry: pending.parsed.transaction.expiry };
  }

  /** The receipt file of a final transaction. */
  async receipt(sender: AccountId, nonce: Uint8Array): Promise<Uint8Array | undefined> {
    const place = await this.place(sender, nonce);
    if (place === undefined) return undefined;
    const { block, index } = place;
    const [, , , logIndex, digest] = block.results[index]!;
    const record = this.store.accountRecord(digest)!;
    const inLog =
      logIndex === null ? null : inclusionFromTiles(this.sha256, this.store.tile, logIndex, block.header.logSize);
    const receipt = this.receipts.make(this.store.anchorOf(block), block, index, { sender: record, inLog });
    if ('code' in receipt) throw damaged(`the receipt of a transaction in block ${block.header.height}`, receipt);
    return receipt;
  }

  private readonly sha256 = (bytes: Uint8Array) => this.crypto.hash('sha-256', bytes);

  /** Presence or absence of one state key at the newest height. */
  async stateProof(key: Uint8Array): Promise<Uint8Array | Refusal> {
    const height = this.store.height;
    const entry = { key, value: this.store.get(key) ?? null, path: this.path(key) };
    const anchor = await this.anchorAt(height);
    if ('code' in anchor) return anchor;
    this.assertHolds(anchor, entry.key, entry.value, entry.path);
    return encodeStateProof({ type: 'brop.state-proof.v1', ...anchor, entry });
  }

  async subjectProof(registrant: AccountId, subject: string, from: number, to: number): Promise<Uint8Array | Refusal> {
    const height = this.store.height;
    if (to > height) return refusal('HEIGHT_NOT_REACHED', `height ${height}`);
    // All of it in this turn, of one state.
    const headKey = stateKey.subject(registrant, subject);
    const headValue = this.store.get(headKey) ?? null;
    const headPath = this.path(headKey);
    const walked = this.walkSubject(headValue, from);
    const anchor = await this.anchorAt(height);
    if ('code' in anchor) return anchor;
    if ('code' in walked) return walked;
    const proof = encodeSubjectProof({
      ...{ type: 'brop.subject.v1', ...anchor, registrant, subject: utf8(subject), from, to },
      ...{ head: [headValue, headPath], records: walked },
    });
    const wrong = verifySubjectProof(this.crypto, proof, this.store.genesis.hash);
    if ('code' in wrong) throw damaged(`the records of a subject at height ${height}`, wrong);
    return proof;
  }

  private walkSubject(headValue: Uint8Array | null, from: number): [Uint8Array, StatePath][] | Refusal {
    const walk = new SubjectWalk(headValue === null ? null : decodeSubjectHead(headValue), from);
    const records: [Uint8Array, StatePath][] = [];
    for (let sizeBytes = 0; walk.next !== null; ) {
      const key = stateKey.transaction(originOfRecord(walk.next).stem);
      const value = this.store.get(key);
      const found = value === undefined ? undefined : evidenceRecordIn(value, walk.next);
      if (value === undefined || found === undefined || !walk.take(found))
        throw damaged('the records of a subject', { detail: `record ${toHex(walk.next)}` });
      const path = this.path(key);
      sizeBytes += value.length + (HASH_BYTES + 2) * (path[0].length + 2);
      if (records.length === MAX_WALKED_RECORDS || sizeBytes > MAX_SUBJECT_PROOF_BYTES)
        return refusal('SUBJECT_TOO_LONG');
      records.push([value, path]);
    }
    return records;
  }

  /** What a disk has damaged is not given out. @throws {BropError} STORE_CORRUPT */
  private assertHolds(anchor: Anchor, key: Uint8Array, value: Uint8Array | null, path: StatePath): void {
    const header = decodeHeader(anchor.header);
    if (!holdsInState(this.crypto, { genesis: this.store.genesis, header }, key, value, path))
      throw damaged(`the state at height ${header.height}`, { detail: `key ${toHex(key)}` });
  }

  /** 超时证明: (sender, nonce) with this expiry was never packed and never will be. */
  async expiryCertificate(sender: AccountId, nonce: Uint8Array, expiry: number): Promise<Uint8Array | Refusal> {
    const height = this.store.height;
    if (height < expiry) return refusal('HEIGHT_NOT_REACHED', `height ${height}, expiry ${expiry}`);
    // The state knows of what was packed before the snapshot that this node began from, too.
    const key = stateKey.transaction(transactionStem(this.crypto, { sender, nonce }));
    if (this.store.packedAt(sender, nonce) !== undefined)
      return refusal('NONCE_USED', 'it was packed: ask for its receipt');
    const prunedThrough = prunedThroughOf(this.store);
    if (prunedThrough !== null && prunedThrough >= expiry)
      return refusal('STATE_NOT_KEPT', `nonces are kept from expiry ${prunedThrough + 1} on`);
    const absence = this.path(key);
    const pruned = this.store.get(stateKey.prunedThrough()) ?? null;
    const prunedThroughPath = this.path(stateKey.prunedThrough());
    const anchor = await this.anchorAt(height);
    if ('code' in anchor) return anchor;
    this.assertHolds(anchor, key, null, absence);
    this.assertHolds(anchor, stateKey.prunedThrough(), pruned, prunedThroughPath);
    const facts = { sender, nonce, expiry, absence, prunedThrough, prunedThroughPath };
    return encodeExpiryCertificate({ type: 'brop.expiry.v1', ...anchor, ...facts });
  }

  /** To be asked for after the state was read: the header of a height stays what it is. */
  private async anchorAt(height: number): Promise<Anchor | Refusal> {
    return (await this.store.anchor(height)) ?? refusal('HEIGHT_NOT_REACHED', 'there is no block yet');
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

function submittedOf(outcome: Accepted | Refusal): Submitted | Refusal {
  if ('code' in outcome) return outcome;
  const { sender, nonce, expiry } = outcome.pending.parsed.transaction;
  return { sender, nonce, expiry };
}

function damaged(what: string, { detail }: Pick<Refusal, 'detail'>): BropError {
  return new BropError('STORE_CORRUPT', `${what} cannot be proven: ${detail}`);
}
