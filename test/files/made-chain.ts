/** A chain that is made block by block with nobody voting: certificates are signed by all, transactions are real. */
import { nativeCrypto as crypto } from '../../adapters/crypto-native/native.ts';
import { createdAccountId, genesisAccountId } from '../../node-core/chain/identifiers.ts';
import { ADMIT_PARTNER, admitPartnerBody } from '../../node-core/chain/operations/admit-partner.ts';
import { REGISTER, registerBody } from '../../node-core/chain/operations/evidence.ts';
import type { Operation } from '../../node-core/chain/transaction.ts';
import type { KeyPair } from '../../node-core/crypto/generate.ts';
import type { SuiteName } from '../../node-core/crypto/provider.ts';
import type { Blobs } from '../../node-core/ports/blobs.ts';
import type { Clock } from '../../node-core/ports/clock.ts';
import type { KeyValueStore } from '../../node-core/ports/key-value-store.ts';
import type { Log } from '../../node-core/ports/log.ts';
import type { SignatureVerifier } from '../../node-core/ports/signature-verifier.ts';
import { operationsOf } from '../../node-core/protocol/table.ts';
import { ChainStore } from '../../node-core/runtime/chain-store.ts';
import { Executor } from '../../node-core/runtime/executor.ts';
import type { Pending } from '../../node-core/runtime/mempool.ts';
import { parseOrRefuse } from '../../node-core/runtime/parsing.ts';
import { Publication } from '../../node-core/runtime/publication.ts';
import { certificateOf } from '../simulation/certified.ts';
import { Chance } from '../simulation/chance.ts';
import { type Consortium, consortium, keyPairOf, signedTransaction, signerOf } from '../simulation/fixture.ts';
import { MemoryBlobs } from '../simulation/memory-blobs.ts';
import { MemoryStore } from '../simulation/memory-store.ts';

const START_MS = 1_700_000_000_000;
const EXPIRY_WINDOW = 1_000_000;

export const quietLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
export const verifier: SignatureVerifier = {
  verify: async (checks) => checks.map(({ key, message, signature }) => crypto.verify(key, message, signature)),
  close: async () => {},
};
/** Stands still: what is held for a while is held for ever. Timers fire at once. */
export const stillClock: Clock = {
  now: () => START_MS,
  schedule: (_, action) => {
    const timer = setImmediate(action);
    return () => clearImmediate(timer);
  },
};

interface Author {
  readonly id: Uint8Array;
  readonly key: KeyPair;
}

export class MadeChain {
  readonly members: Consortium;
  readonly store: ChainStore;
  readonly blobs: Blobs;
  readonly noteKey: KeyPair;
  private readonly chance: Chance;
  private readonly executor: Executor;
  private pending: Pending[] = [];
  private readonly operator: Author;
  private partner: Author | null = null;

  private constructor(members: Consortium, store: ChainStore, blobs: Blobs, chance: Chance) {
    this.members = members;
    this.store = store;
    this.blobs = blobs;
    this.chance = chance;
    this.noteKey = keyPairOf('ed25519', (length) => chance.bytes(length));
    this.operator = { id: genesisAccountId(crypto, members.operator.publicKey), key: members.operator };
    const mempool = { all: () => this.pending, find: () => undefined, remove: () => undefined };
    this.executor = new Executor({ crypto, store, mempool, verifier, table: operationsOf(1), log: quietLog });
  }

  static async open(
    seed: string,
    options: { readonly kv?: KeyValueStore; readonly blobs?: Blobs; readonly suite?: SuiteName } = {},
  ): Promise<MadeChain> {
    const { kv = new MemoryStore(), blobs = new MemoryBlobs(), suite = 'ed25519' } = options;
    const chance = new Chance(seed);
    const parameters = { maxBlockTransactions: 2_000, maxPruned: 2_000, expiryWindow: EXPIRY_WINDOW };
    const members = await consortium(crypto, (length) => chance.bytes(length), {
      ...{ validators: 4, suite, timeMs: START_MS, parameters },
    });
    const store = await ChainStore.open(crypto, kv, blobs, members.genesis.bytes);
    return new MadeChain(members, store, blobs, chance);
  }

  /** As a node would publish it. */
  publication(): Publication {
    const { store, blobs, noteKey } = this;
    return new Publication({ crypto, store, blobs, clock: stillClock, noteSigner: signerOf(noteKey) });
  }

  /** `count` blocks of `transactions` registrations each; the first of all admits who registers, and somebody twice. */
  async grow(count: number, transactions: number, extraBytes = 0): Promise<void> {
    for (let i = 0; i < count; i++) {
      if (this.partner === null) await this.block([this.admission('partner'), this.admission('partner')]);
      else await this.block(Array.from({ length: transactions }, () => this.registration(extraBytes)));
    }
  }

  async block(transactions: readonly Uint8Array[]): Promise<void> {
    const { genesis } = this.members;
    this.pending = transactions.map((bytes, i) => {
      const parsed = parseOrRefuse(crypto, bytes, genesis, operationsOf(1), quietLog);
      if ('code' in parsed) throw new Error(parsed.code);
      return { parsed, digest: String(i), cost: 0, arrivedMs: 0 };
    });
    const height = this.store.height + 1;
    const proposer = genesis.validators.validators[height % 4]!.id;
    const executed = this.executor.build({ timeMs: START_MS + 1_000 * height, round: 0, proposer });
    if (executed.transactions.length !== transactions.length) throw new Error('a transaction was refused');
    await this.store.commit(executed, certificateOf(this.members, executed, [0, 1, 2 + (height % 2)]));
  }

  private admission(name: string): Uint8Array {
    const key = keyPairOf('ed25519', (length) => this.chance.bytes(length));
    const nonce = this.chance.bytes(32);
    const expiry = this.store.height + 100;
    this.partner ??= { id: createdAccountId(crypto, { sender: this.operator.id, nonce, expiry }, 0), key };
    const body = {
      name,
      key: key.publicKey,
      legal: { version: '1', digest: this.chance.bytes(32) },
      permissions: ['evidence'] as const,
      quota: { max: 1_000_000_000_000, periodMs: 86_400_000 },
    };
    return this.signed(this.operator, nonce, expiry, { type: ADMIT_PARTNER, body: admitPartnerBody.encode(body) });
  }

  private registration(extraBytes: number): Uint8Array {
    const body = registerBody.encode({
      digests: new Map([['sha-256', this.chance.bytes(32)]]),
      ...(extraBytes > 0 && { attributes: new Map([['filler', 'x'.repeat(extraBytes)]]) }),
    });
    return this.signed(this.partner!, this.chance.bytes(32), this.store.height + 500, { type: REGISTER, body });
  }

  private signed({ id, key }: Author, nonce: Uint8Array, expiry: number, operation: Operation): Uint8Array {
    return signedTransaction(crypto, this.members.genesis, key, { sender: id, nonce, expiry, operations: [operation] });
  }
}

/** The bytes of every path, for tests that damage them. */
export async function copyOf(
  files: { read(path: string): Promise<Uint8Array | undefined> },
  paths: Iterable<string>,
): Promise<Map<string, Uint8Array>> {
  const copy = new Map<string, Uint8Array>();
  for (const path of paths) {
    const bytes = await files.read(path);
    if (bytes === undefined) throw new Error(`no ${path}`);
    copy.set(path, bytes);
  }
  return copy;
}

export const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('utf8');
