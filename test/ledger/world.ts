/**
 * A chain in memory for tests of the ledger: one call makes a block, through the store that nodes use. Transactions are
 * not signed unless a test asks for it: block execution is about what comes after the signature.
 */

import { strict as assert } from 'node:assert';
import type { AccountRecord } from '../../node-core/chain/account.ts';
import type { Certificate } from '../../node-core/chain/certificate.ts';
import type { Refusal } from '../../node-core/chain/codes.ts';
import type { Genesis } from '../../node-core/chain/genesis.ts';
import { createdAccountId, genesisAccountId, originOfRecord } from '../../node-core/chain/identifiers.ts';
import { ADMIT_PARTNER, type AdmitPartner, admitPartnerBody } from '../../node-core/chain/operations/admit-partner.ts';
import { CERTIFY, type Certify, certifyBody } from '../../node-core/chain/operations/certify.ts';
import {
  REGISTER,
  REGISTER_BATCH,
  type Register,
  type RegisterBatch,
  registerBatchBody,
  registerBody,
} from '../../node-core/chain/operations/evidence.ts';
import { type EvidenceRecord, evidenceRecordIn } from '../../node-core/chain/operations/evidence-record.ts';
import {
  REGISTER_SCHEMA,
  type RegisterSchema,
  registerSchemaBody,
} from '../../node-core/chain/operations/record-schema.ts';
import type { Parameters } from '../../node-core/chain/parameters.ts';
import { stateKey } from '../../node-core/chain/state-keys.ts';
import { finishTransaction, type Operation, prepareTransaction } from '../../node-core/chain/transaction.ts';
import { equal } from '../../node-core/codec/bytes.ts';
import type { KeyPair } from '../../node-core/crypto/generate.ts';
import type { PublicKey, SuiteName } from '../../node-core/crypto/provider.ts';
import { SUITES } from '../../node-core/crypto/suites.ts';
import { accountOf } from '../../node-core/ledger/accounts.ts';
import { type ParsedTransaction, parseTransaction, senderRefusal } from '../../node-core/ledger/admission.ts';
import { BlockExecution, type ExecutedBlock, type Proposing } from '../../node-core/ledger/execute-block.ts';
import type { Packing } from '../../node-core/ports/key-value-store.ts';
import { operationsOf } from '../../node-core/protocol/table.ts';
import { ChainStore } from '../../node-core/runtime/chain-store.ts';
import { cachedCrypto } from '../simulation/cached-crypto.ts';
import { type Consortium, consortium, keyPairOf } from '../simulation/fixture.ts';
import { MemoryBlobs } from '../simulation/memory-blobs.ts';
import { MemoryStore } from '../simulation/memory-store.ts';

export const crypto = cachedCrypto();

export const START_MS = 1_760_000_000_000;
export const TABLE = operationsOf(1);
const NO_SIGNATURE = new Uint8Array(64);

/** Bytes that follow from a text: nonces, digests, keys that nobody has. */
export function bytesOf(text: string, length = 32): Uint8Array {
  return crypto.hash('sha-512', new TextEncoder().encode(text)).slice(0, length);
}

/** Random bytes that follow from a seed. */
export function seeded(seed: string): (length: number) => Uint8Array {
  let drawn = 0;
  return (length) => bytesOf(`${seed}/${drawn++}`, length);
}

export function keyPair(name: string, suite: SuiteName = 'ed25519'): KeyPair {
  return keyPairOf(suite, seeded(`key of ${name}`));
}

export interface Actor {
  readonly id: Uint8Array;
  readonly key: PublicKey;
}

export const op = {
  admit: (body: AdmitPartner): Operation => ({ type: ADMIT_PARTNER, body: admitPartnerBody.encode(body) }),
  certify: (body: Certify): Operation => ({ type: CERTIFY, body: certifyBody.encode(body) }),
  register: (body: Register): Operation => ({ type: REGISTER, body: registerBody.encode(body) }),
  registerSchema: (body: RegisterSchema): Operation => ({
    type: REGISTER_SCHEMA,
    body: registerSchemaBody.encode(body),
  }),
  registerBatch: (body: RegisterBatch): Operation => ({ type: REGISTER_BATCH, body: registerBatchBody.encode(body) }),
};

export const legal = { version: '2.1', digest: bytesOf('legal document') };

/** Bodies with everything that is required; a test says what matters to it. */
export const partnerBody = (name: string, fields: Partial<AdmitPartner> = {}): AdmitPartner => ({
  name,
  key: keyPair(name).publicKey,
  legal,
  permissions: ['identity', 'evidence'],
  quota: { max: 1_000_000, periodMs: 86_400_000 },
  ...fields,
});
export const userBody = (key: string, fields: Partial<Certify> = {}): Certify => ({
  key: keyPair(key).publicKey,
  subject: 'person',
  level: 'realname',
  terms: bytesOf('terms'),
  ...fields,
});
export const evidenceBody = (text: string, fields: Partial<Register> = {}): Register => ({
  digests: new Map([['sha-256', bytesOf(text)]]),
  ...fields,
});

export interface TransactionFields {
  readonly nonce?: Uint8Array;
  readonly expiry?: number;
  readonly label?: string;
  readonly chain?: Uint8Array;
  readonly protocolVersion?: number;
  /** Signs for real; the key in the header is then its own. */
  readonly signWith?: KeyPair;
}

export interface Packed {
  readonly executed: ExecutedBlock;
  /** For each transaction offered: why it was not packed, or null. */
  readonly refusals: readonly (Refusal | null)[];
}

export interface WorldOptions {
  readonly parameters?: Partial<Parameters>;
  readonly validators?: number;
  readonly powers?: readonly number[];
  readonly suite?: SuiteName;
  /** How the store packs; as in memory when not given. */
  readonly packing?: Packing;
}

export class World {
  readonly members: Consortium;
  readonly kv: MemoryStore;
  readonly blobs: MemoryBlobs;
  readonly store: ChainStore;
  private drawn = 0;

  constructor(members: Consortium, kv: MemoryStore, store: ChainStore, blobs = new MemoryBlobs()) {
    this.members = members;
    this.kv = kv;
    this.blobs = blobs;
    this.store = store;
  }

  static async open(options: WorldOptions = {}): Promise<World> {
    const { parameters = {}, validators = 1, powers = [], suite = 'ed25519', packing } = options;
    const setup = { validators, powers, suite, timeMs: START_MS, parameters };
    const members = await consortium(crypto, seeded('consortium'), setup);
    const kv = new MemoryStore(packing);
    const blobs = new MemoryBlobs();
    return new World(members, kv, await ChainStore.open(crypto, kv, blobs, members.genesis.bytes), blobs);
  }

  /** Another node with the same data. */
  async copy(): Promise<World> {
    const kv = new MemoryStore(this.kv.packing);
    await kv.write([...this.kv.range(new Uint8Array(0), Uint8Array.of(0xff))]);
    const blobs = new MemoryBlobs(new Map(this.blobs.files));
    return new World(this.members, kv, await ChainStore.open(crypto, kv, blobs, this.genesis.bytes), blobs);
  }

  get genesis(): Genesis {
    return this.members.genesis;
  }
  get operator(): Actor {
    const { publicKey } = this.members.operator;
    return { id: genesisAccountId(crypto, publicKey), key: publicKey };
  }
  get validator(): Actor {
    const { accountKey } = this.genesis.document.validators[0]!;
    return { id: genesisAccountId(crypto, accountKey), key: accountKey };
  }
  /** The height of the block that comes next. */
  get next(): number {
    return this.store.height + 1;
  }

  /** The bytes of a transaction; it expires ten heights ahead unless it says otherwise. */
  transaction(sender: Actor, operations: readonly Operation[], fields: TransactionFields = {}): Uint8Array {
    const { signWith, ...rest } = fields;
    const draft = {
      chain: this.genesis.hash,
      protocolVersion: 1,
      sender: sender.id,
      label: 'test',
      nonce: bytesOf(`nonce ${this.drawn++}`),
      expiry: this.next + 10,
      operations,
      ...rest,
    };
    const unsigned = prepareTransaction(crypto, draft, signWith?.publicKey ?? sender.key);
    if (signWith === undefined) return finishTransaction(unsigned, NO_SIGNATURE);
    const { publicKey, secretKey } = signWith;
    return finishTransaction(unsigned, SUITES[publicKey.suite].sign(secretKey, unsigned.message));
  }

  parse(bytes: Uint8Array): ParsedTransaction {
    const parsed = parseTransaction(crypto, bytes, this.genesis.hash, 1, TABLE);
    assert(!('code' in parsed), `${JSON.stringify(parsed)}`);
    return parsed;
  }

  /** The record with this ID; undefined when there is none. */
  record(id: Uint8Array): EvidenceRecord | undefined {
    const entry = this.store.get(stateKey.transaction(originOfRecord(id).stem));
    return entry === undefined ? undefined : evidenceRecordIn(entry, id);
  }

  /** As a proposer does: what may not be packed is left out. Nothing is written. */
  execute(transactions: readonly Uint8Array[], stepMs = 1_000): Packed {
    const execution = this.execution(stepMs);
    const refusals = transactions.map((bytes) => this.addTo(execution, bytes));
    return { executed: execution.finish(), refusals };
  }

  execution(stepMs = 1_000): BlockExecution {
    const proposing: Proposing = { timeMs: this.store.timeMs + stepMs, round: 0, proposer: this.validator.id };
    return new BlockExecution(crypto, this.store, proposing);
  }

  addTo(execution: BlockExecution, bytes: Uint8Array): Refusal | null {
    const parsed = this.parse(bytes);
    const account = senderRefusal(this.store, parsed.transaction);
    return 'code' in account ? account : execution.add(parsed);
  }

  /** Executes and commits a block. Every block is executed a second time, from what a validator gets of it. */
  async block(
    transactions: readonly Uint8Array[],
    stepMs = 1_000,
    certify: (executed: ExecutedBlock) => Certificate = () => [0, [[0, 0, NO_SIGNATURE]]],
  ): Promise<Packed> {
    const packed = this.execute(transactions, stepMs);
    this.assertValid(packed.executed, stepMs);
    await this.store.commit(packed.executed, certify(packed.executed));
    return packed;
  }

  /** Commits a block of transactions that must all be applied. */
  async applied(...transactions: readonly Uint8Array[]): Promise<ExecutedBlock> {
    const { executed, refusals } = await this.block(transactions);
    const codes = executed.results.map(([code]) => code);
    assert.deepEqual({ refusals, codes }, { refusals: transactions.map(() => null), codes: transactions.map(() => 0) });
    return executed;
  }

  async idle(blocks: number): Promise<void> {
    for (let i = 0; i < blocks; i++) await this.block([]);
  }

  /** What a validator does with a proposed block: no refusal, and the very same header. */
  assertValid(proposed: ExecutedBlock, stepMs: number): void {
    const execution = this.execution(stepMs);
    for (const { transaction } of proposed.transactions) assert.equal(this.addTo(execution, transaction.bytes), null);
    assert(equal(execution.finish().headerBytes, proposed.headerBytes), 'a validator finds another header');
  }

  /** Admits a partner and returns it. */
  async partner(name: string, fields: Partial<AdmitPartner> = {}): Promise<Actor> {
    const body = partnerBody(name, fields);
    const bytes = this.transaction(this.operator, [op.admit(body)]);
    await this.applied(bytes);
    return { id: createdAccountId(crypto, this.parse(bytes).transaction, 0), key: body.key };
  }

  /** Certifies a user by a partner and returns it. */
  async user(certifier: Actor, name: string, fields: Partial<Certify> = {}): Promise<Actor> {
    const body = userBody(name, fields);
    const bytes = this.transaction(certifier, [op.certify(body)]);
    await this.applied(bytes);
    return { id: createdAccountId(crypto, this.parse(bytes).transaction, 0), key: body.key };
  }

  account(actor: Actor): AccountRecord {
    const account = accountOf(this.store, actor.id);
    assert(account !== undefined, 'no such account');
    return account;
  }
}
