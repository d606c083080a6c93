/**
 * A chain made by somebody who holds every key: blocks, certificates and proofs of any shape, without a node. Real
 * enough to verify, and a bench for forgeries. Everything follows from the seed, so vectors can be made from it.
 */
import { type AccountRecord, encodeAccount } from '../../node-core/chain/account.ts';
import type { Anchor, SetChange } from '../../node-core/chain/anchor.ts';
import { blockLeaf, type Result } from '../../node-core/chain/block.ts';
import type { Certificate } from '../../node-core/chain/certificate.ts';
import { type Genesis, PROTOCOL_VERSION } from '../../node-core/chain/genesis.ts';
import { encodeHeader, type Header } from '../../node-core/chain/header.ts';
import { headerHash, transactionStem, validatorSetHash } from '../../node-core/chain/identifiers.ts';
import { encodeReceipt, type Receipt } from '../../node-core/chain/receipt.ts';
import { stateKey } from '../../node-core/chain/state-keys.ts';
import {
  type ExpiringTransaction,
  encodeExpiryCertificate,
  encodeStateProof,
  type StatePath,
} from '../../node-core/chain/state-proof.ts';
import { finishTransaction, type Operation, prepareTransaction } from '../../node-core/chain/transaction.ts';
import { type ValidatorSet, validatorSet } from '../../node-core/chain/validator-set.ts';
import { voteMessage } from '../../node-core/chain/votes.ts';
import { utf8 } from '../../node-core/codec/bytes.ts';
import { encode } from '../../node-core/codec/cbor.ts';
import type { KeyPair } from '../../node-core/crypto/generate.ts';
import { publicKey } from '../../node-core/crypto/keys.ts';
import { leafHash, MerkleTree } from '../../node-core/crypto/merkle-log.ts';
import type { CryptoProvider } from '../../node-core/crypto/provider.ts';
import { prove } from '../../node-core/crypto/state-proof.ts';
import { pageKey, stateKeyHash, stateValueHash, updateTree } from '../../node-core/crypto/state-tree.ts';
import { keyPairOf } from '../simulation/fixture.ts';
import {
  type Member,
  QUOTA,
  START_MS,
  type SyntheticGenesis,
  type SyntheticOptions,
  seededBytes,
  sign,
  syntheticGenesis,
} from './synthetic-genesis.ts';

export { type Member, type SyntheticOptions, seededBytes, sign } from './synthetic-genesis.ts';

export interface SyntheticBlock {
  readonly header: Header;
  readonly headerBytes: Uint8Array;
  readonly transactions: readonly Uint8Array[];
  readonly results: readonly Result[];
}

export class SyntheticChain {
  readonly crypto: CryptoProvider;
  readonly random: (length: number) => Uint8Array;
  readonly genesis: Genesis;
  readonly members: readonly Member[];
  readonly operator: KeyPair;
  readonly partner: KeyPair;
  readonly partnerId: Uint8Array;
  readonly partnerAccount: AccountRecord;
  readonly state = new Map<string, readonly [Uint8Array, Uint8Array]>();
  /** Leaves of the log: the genesis, then every applied transaction. */
  readonly log: Uint8Array[];
  private parent: Uint8Array;

  private constructor(crypto: CryptoProvider, seed: string, parts: SyntheticGenesis) {
    this.crypto = crypto;
    this.random = parts.random;
    this.genesis = parts.genesis;
    this.members = parts.members;
    this.operator = parts.operator;
    this.partner = keyPairOf('ed25519', seededBytes(`${seed}/partner`));
    this.partnerId = crypto.hash('sha-256', utf8(`${seed}/partner`)).slice(0, 20);
    this.partnerAccount = {
      kind: 'partner',
      key: this.partner.publicKey,
      quota: QUOTA,
      created: 1,
      name: 'Example Partner 示例',
      legal: { version: '1.0', digest: crypto.hash('sha-256', utf8('legal')) },
      permissions: ['identity', 'evidence'],
    };
    this.log = [parts.genesis.bytes];
    this.parent = parts.genesis.hash;
    for (let i = 0; i < 30; i++) this.set(encode(['filler', i]), encode(i));
    this.set(stateKey.account(this.partnerId), encodeAccount(this.partnerAccount));
  }

  static async make(crypto: CryptoProvider, seed: string, options: SyntheticOptions = {}): Promise<SyntheticChain> {
    return new SyntheticChain(crypto, seed, await syntheticGenesis(crypto, seed, options));
  }

  /** New members with keys of their own, for set changes. */
  newMembers(count: number, power = 1): Member[] {
    return Array.from({ length: count }, () => ({
      id: this.random(20),
      power,
      keys: [keyPairOf('p256', this.random)] as const,
    }));
  }

  set(key: Uint8Array, value: Uint8Array | null): void {
    if (value === null) this.state.delete(key.join());
    else this.state.set(key.join(), [key, value]);
  }

  transaction(
    operations: readonly Operation[],
    fields: { readonly nonce?: Uint8Array; readonly expiry?: number } = {},
  ): Uint8Array {
    const draft = {
      chain: this.genesis.hash,
      protocolVersion: PROTOCOL_VERSION,
      sender: this.partnerId,
      label: 'synthetic',
      nonce: fields.nonce ?? this.random(32),
      expiry: fields.expiry ?? 1_000,
      operations,
    };
    const unsigned = prepareTransaction(this.crypto, draft, this.partner.publicKey);
    return finishTransaction(unsigned, sign(this.partner, unsigned.message));
  }

  /** A block of transactions that are all applied, unless `codes` says otherwise; `changes` overrides the header. */
  block(
    height: number,
    transactions: readonly Uint8Array[],
    changes: Partial<Header> & { readonly codes?: readonly number[] } = {},
  ): SyntheticBlock {
    const { codes, ...overrides } = changes;
    const sender = this.crypto.hash('sha-256', encodeAccount(this.partnerAccount));
    const results = transactions.map((bytes, i): Result => {
      const code = codes?.[i] ?? 0;
      return [code, code === 0 ? null : 0, 450, code === 0 ? this.log.push(bytes) - 1 : null, sender];
    });
    const set = this.setOf(this.members);
    const header: Header = {
      protocolVersion: PROTOCOL_VERSION,
      chain: this.genesis.hash,
      height,
      timeMs: START_MS + height * 3_000,
      parent: this.parent,
      logSize: this.log.length,
      logRoot: this.treeOf(this.log).root(),
      transactionCount: transactions.length,
      blockRoot: this.blockTree(transactions, results).root(),
      stateRoot: this.stateTree().root,
      eventsRoot: this.treeOf([]).root(),
      eventCount: 0,
      validatorsHash: set.hash,
      nextValidatorsHash: set.hash,
      round: 0,
      proposer: this.members[0]!.id,
      ...overrides,
    };
    const headerBytes = encodeHeader(header);
    this.parent = headerHash(this.crypto, headerBytes);
    return { header, headerBytes, transactions, results };
  }

  setOf(members: readonly Member[]): ValidatorSet {
    return validatorSet(
      this.crypto,
      members.map(({ id, power, keys: [primary, standby] }) => ({
        id,
        power,
        keys: standby === undefined ? [primary.publicKey] : [primary.publicKey, standby.publicKey],
      })),
    );
  }

  /** The bytes and hash of a set, unchecked: a set that nobody may have can be written too. */
  rawSet(members: readonly Member[]): { readonly bytes: Uint8Array; readonly hash: Uint8Array } {
    const row = ({ id, power, keys: [primary, standby] }: Member) =>
      [
        id,
        power,
        publicKey.encode(primary.publicKey),
        standby === undefined ? null : publicKey.encode(standby.publicKey),
      ] as const;
    const bytes = encode(members.map(row));
    return { bytes, hash: validatorSetHash(this.crypto, bytes) };
  }

  /** Precommits of the members named by [index, key], in that order, whether or not that makes sense. */
  certify(
    { header, headerBytes }: Pick<SyntheticBlock, 'header' | 'headerBytes'>,
    signers: readonly (readonly [number, number])[] = [
      [0, 0],
      [1, 0],
      [2, 0],
    ],
    options: { readonly round?: number; readonly members?: readonly Member[] } = {},
  ): Certificate {
    const { round = 0, members = this.members } = options;
    const block = { headerHash: headerHash(this.crypto, headerBytes), logRoot: header.logRoot };
    const signatures = signers.map(([index, keyIndex]) => {
      const { id, keys } = members[index]!;
      const { chain, protocolVersion, height } = header;
      const key = keys[keyIndex]!;
      const scope = { chain, protocolVersion, height, round, validator: id, key: key.publicKey };
      return [index, keyIndex, sign(key, voteMessage(this.crypto, 'precommit', scope, block))] as const;
    });
    return [round, signatures];
  }

  anchor(block: SyntheticBlock, certificate = this.certify(block), setChanges: readonly SetChange[] = []): Anchor {
    return { genesis: this.genesis.bytes, setChanges, header: block.headerBytes, certificate };
  }

  receipt(block: SyntheticBlock, index: number, anchor = this.anchor(block)): Receipt {
    const result = block.results[index]!;
    const logIndex = result[3];
    return {
      type: 'brop.receipt.v1',
      ...anchor,
      transaction: block.transactions[index]!,
      sender: encodeAccount(this.partnerAccount),
      result,
      inBlock: [index, this.blockTree(block.transactions, block.results).path(index)],
      inLog: logIndex === null ? null : this.treeOf(this.log.slice(0, block.header.logSize)).path(logIndex),
    };
  }

  receiptBytes(block: SyntheticBlock, index = 0): Uint8Array {
    return encodeReceipt(this.receipt(block, index));
  }

  stateProof(block: SyntheticBlock, key: Uint8Array, anchor = this.anchor(block)): Uint8Array {
    const value = this.state.get(key.join())?.[1] ?? null;
    return encodeStateProof({
      type: 'brop.state-proof.v1',
      ...anchor,
      entry: { key, value, path: this.statePath(key) },
    });
  }

  expiryCertificate(
    block: SyntheticBlock,
    of: ExpiringTransaction,
    prunedThrough: number | null,
    anchor = this.anchor(block),
  ): Uint8Array {
    return encodeExpiryCertificate({
      type: 'brop.expiry.v1',
      ...anchor,
      ...of,
      absence: this.statePath(stateKey.transaction(transactionStem(this.crypto, of))),
      prunedThrough,
      prunedThroughPath: this.statePath(stateKey.prunedThrough()),
    });
  }

  /** The way to a key in the state as it is now. */
  statePath(key: Uint8Array): StatePath {
    const { pages } = this.stateTree();
    const { siblings, leaf } = prove(
      this.stateHash,
      (path) => pages.get(pageKey(path)) ?? undefined,
      stateKeyHash(this.stateHash, key),
    );
    return [siblings, leaf === null ? null : [leaf.keyHash, leaf.valueHash]];
  }

  treeOf(leaves: readonly Uint8Array[]): MerkleTree {
    return new MerkleTree(
      this.sha256,
      leaves.map((leaf) => leafHash(this.sha256, leaf)),
    );
  }

  blockTree(transactions: readonly Uint8Array[], results: readonly Result[]): MerkleTree {
    return this.treeOf(transactions.map((bytes, i) => blockLeaf(this.crypto, bytes, results[i]!)));
  }

  private stateTree() {
    const updates = [...this.state.values()].map(([key, value]) => ({
      keyHash: stateKeyHash(this.stateHash, key),
      valueHash: stateValueHash(this.stateHash, value),
    }));
    return updateTree(this.stateHash, () => undefined, updates);
  }

  readonly sha256 = (bytes: Uint8Array) => this.crypto.hash('sha-256', bytes);
  private readonly stateHash = (bytes: Uint8Array) => this.crypto.hash(this.genesis.document.stateHash, bytes);
}
