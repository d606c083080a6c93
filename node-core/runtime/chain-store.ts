/**
 * The chain over a key-value store: one durable write per block, and everything that execution and proofs read.
 *
 * | prefix | key | value |
 * |---|---|---|
 * | `g` | | genesis bytes |
 * | `h` | | head: [height, log frontier] |
 * | `b` | height | block |
 * | `c` | height | [certificate, results] |
 * | `a` | digest | account record, as results refer to it |
 * | `t` | sender, nonce | [height, index in the block] |
 * | `s` | state key | state value |
 * | `p` | nibbles | page of the state tree |
 * | `l` | level, index | tile of the log |
 * | `n` | expiry, sender, nonce | (empty: order of removal, follows from the state) |
 * | `d` | height, round, 0 or 1 and header hash | [timely, proposal] of an undecided height: own, or of another |
 */
import { encodeBlock } from '../chain/block.ts';
import type { Certificate } from '../chain/certificate.ts';
import { BropError } from '../chain/codes.ts';
import { decodeGenesis, type Genesis } from '../chain/genesis.ts';
import { headerHash } from '../chain/identifiers.ts';
import type { ValidatorSet } from '../chain/validator-set.ts';
import { ACCOUNT_ID_BYTES } from '../codec/account-id.ts';
import { compare, concat, equal, uint64 } from '../codec/bytes.ts';
import { decode, encode } from '../codec/cbor.ts';
import { array, fixedBytes, type Infer, tuple, uint } from '../codec/schema.ts';
import { LogFrontier, leafHash } from '../crypto/merkle-log.ts';
import { appendTiles, type TileReader } from '../crypto/merkle-log-tiles.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { ExecutedBlock, LedgerView } from '../ledger/execute-block.ts';
import { genesisState } from '../ledger/genesis-state.ts';
import type { ExpiringNonce } from '../ledger/nonces.ts';
import { type SenderRecord, Senders } from '../ledger/senders.ts';
import { updateStateTree } from '../ledger/state.ts';
import type { KeyValueStore, Write } from '../ports/key-value-store.ts';
import { type KeptProposal, PROPOSAL, proposalKey, proposalValue, splitProposal, uint64At } from './kept-proposals.ts';
import { commitSchema, decodeStoredBlock, STORED_LIMITS, type StoredBlock } from './stored-block.ts';

const prefix = (letter: string) => Uint8Array.of(letter.charCodeAt(0));
const [GENESIS, HEAD, BLOCK, COMMIT, ACCOUNT, PLACE, STATE, PAGE, TILE, EXPIRING] = [...'ghbcatspln'].map(prefix) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
  Uint8Array,
];

const NOTHING = new Uint8Array(0);
const headSchema = tuple(uint(), uint(), uint(), array(fixedBytes(32), { max: 64 }));
const placeSchema = tuple(uint(), uint());
interface Head {
  readonly height: number;
  readonly timeMs: number;
  readonly parent: Uint8Array;
  readonly frontier: LogFrontier;
}

export class ChainStore implements LedgerView {
  readonly genesis: Genesis;
  private readonly kv: KeyValueStore;
  private readonly sha256: (bytes: Uint8Array) => Uint8Array;
  private readonly senders: Senders;
  private head: Head;

  private constructor(crypto: CryptoProvider, kv: KeyValueStore, genesis: Genesis, head: Head) {
    this.kv = kv;
    this.genesis = genesis;
    this.head = head;
    this.senders = new Senders(crypto, this);
    this.sha256 = (bytes) => crypto.hash('sha-256', bytes);
  }

  /**
   * Opens the chain of this genesis; an empty store starts at height 0.
   * @throws {BropError} STORE_OTHER_CHAIN
   */
  static async open(crypto: CryptoProvider, kv: KeyValueStore, genesisBytes: Uint8Array): Promise<ChainStore> {
    const genesis = decodeGenesis(crypto, genesisBytes);
    const stored = kv.get(GENESIS);
    if (stored === undefined) await kv.write(initialWrites(crypto, genesis));
    else if (!equal(stored, genesisBytes)) throw new BropError('STORE_OTHER_CHAIN');
    return new ChainStore(crypto, kv, genesis, readHead(crypto, kv, genesis));
  }

  /**
   * Height of the newest block by a fresh read: proofs pair it with state read in the same turn,
   * also while the next block is being written.
   */
  newestHeight(): number {
    return readHeadRow(this.kv)[0];
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
    return this.genesis.validators;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.kv.get(concat(STATE, key));
  }

  sender(id: Uint8Array): SenderRecord | undefined {
    return this.senders.of(id);
  }

  page(path: Uint8Array): Uint8Array | undefined {
    return this.kv.get(concat(PAGE, path));
  }

  *expiringNonces(through: number, limit: number): Iterable<ExpiringNonce> {
    for (const { key } of this.kv.range(EXPIRING, concat(EXPIRING, uint64(through + 1)), { limit })) {
      yield splitExpiring(key);
    }
  }

  readonly tile: TileReader = (level, index) => this.kv.get(tileKey(level, index));

  /** Makes a decided block part of the chain: one batch, durable when this resolves. */
  async commit(executed: ExecutedBlock, certificate: Certificate): Promise<void> {
    const { header, headerBytes, frontier } = executed;
    if (header.height !== this.height + 1) throw new Error(`block ${header.height} after ${this.height}`);
    const at = uint64(header.height);
    const transactions = executed.transactions.map((t) => t.transaction.bytes);
    const writes: Write[] = [
      { key: concat(BLOCK, at), value: encodeBlock({ header, headerBytes, transactions }) },
      { key: concat(COMMIT, at), value: encode(commitSchema.encode([certificate, executed.results])) },
      { key: HEAD, value: encode([header.height, header.timeMs, frontier.size, frontier.encode()]) },
      ...this.indexWrites(executed),
      ...stateWrites(executed),
      ...this.proposalKeys().map((key) => ({ key, value: null })),
    ];
    await this.kv.write(writes);
    this.senders.forget();
    this.head = { height: header.height, timeMs: header.timeMs, parent: executed.headerHash, frontier };
  }

  private indexWrites(executed: ExecutedBlock): Write[] {
    const { header, results, senders } = executed;
    const writes: Write[] = executed.noncesAdded.map(({ sender, nonce }, i) => ({
      key: concat(PLACE, sender, nonce),
      value: encode([header.height, i]),
    }));
    for (const [i, record] of senders.entries()) {
      const key = concat(ACCOUNT, results[i]![4]);
      if (this.kv.get(key) === undefined) writes.push({ key, value: record });
    }
    for (const { level, index, hashes } of appendTiles(
      this.sha256,
      this.tile,
      this.frontier.size,
      executed.logLeafHashes,
    )) {
      writes.push({ key: tileKey(level, index), value: hashes });
    }
    return writes;
  }

  /** A committed block with what was recorded beside it. */
  block(height: number): StoredBlock | undefined {
    const block = this.kv.get(concat(BLOCK, uint64(height)));
    const commit = this.kv.get(concat(COMMIT, uint64(height)));
    return block === undefined || commit === undefined ? undefined : decodeStoredBlock(block, commit);
  }

  /** The exact stored bytes [block, commit], as they travel between nodes. */
  row(height: number): readonly [Uint8Array, Uint8Array] | undefined {
    const block = this.kv.get(concat(BLOCK, uint64(height)));
    const commit = this.kv.get(concat(COMMIT, uint64(height)));
    return block === undefined || commit === undefined ? undefined : [block, commit];
  }

  /** Whether a certificate above this height holds a signature of this validator. Reads them all. */
  hasSignatureOf(validator: number, above: number): boolean {
    for (const { value } of this.kv.range(concat(COMMIT, uint64(above + 1)), Uint8Array.of(COMMIT[0]! + 1))) {
      const [[, signatures]] = commitSchema.decode(decode(value, STORED_LIMITS), 'commit');
      if (signatures.some(([index]) => index === validator)) return true;
    }
    return false;
  }

  /** Where (sender, nonce) was packed. Kept for ever, unlike the nonce in the state. */
  place(sender: Uint8Array, nonce: Uint8Array): { readonly height: number; readonly index: number } | undefined {
    const bytes = this.kv.get(concat(PLACE, sender, nonce));
    if (bytes === undefined) return undefined;
    const [height, index] = placeSchema.decode(decode(bytes), 'place');
    return { height, index };
  }

  /** The account record with this digest, as a result refers to it. */
  accountRecord(digest: Uint8Array): Uint8Array | undefined {
    return this.kv.get(concat(ACCOUNT, digest));
  }

  /** Keeps a proposal of the undecided height and forgets `obsolete` ones; durable when this resolves. */
  async keepProposal(proposal: KeptProposal, obsolete: readonly KeptProposal[] = []): Promise<void> {
    await this.kv.write([
      ...obsolete.map((other) => ({ key: proposalKey(other), value: null })),
      { key: proposalKey(proposal), value: proposalValue(proposal) },
    ]);
  }

  /** Proposals kept for `height`, in the order of their rounds. */
  keptProposals(height: number): KeptProposal[] {
    const rows = this.kv.range(concat(PROPOSAL, uint64(height)), concat(PROPOSAL, uint64(height + 1)));
    return [...rows].map(({ key, value }) => splitProposal(key, value));
  }

  private proposalKeys(): Uint8Array[] {
    return [...this.kv.range(PROPOSAL, Uint8Array.of(PROPOSAL[0]! + 1))].map(({ key }) => key);
  }

  async close(): Promise<void> {
    await this.kv.close();
  }
}

function stateWrites(executed: Pick<ExecutedBlock, 'changes' | 'pages' | 'noncesAdded' | 'noncesRemoved'>): Write[] {
  const writes: Write[] = [];
  for (const { key, value } of executed.changes) writes.push({ key: concat(STATE, key), value });
  for (const [path, page] of executed.pages) writes.push({ key: concat(PAGE, nibbles(path)), value: page });
  for (const nonce of executed.noncesAdded) writes.push({ key: expiringKey(nonce), value: NOTHING });
  for (const nonce of executed.noncesRemoved) writes.push({ key: expiringKey(nonce), value: null });
  return writes;
}

function initialWrites(crypto: CryptoProvider, genesis: Genesis): Write[] {
  const stateHash = (bytes: Uint8Array) => crypto.hash(genesis.document.stateHash, bytes);
  const sha256 = (bytes: Uint8Array) => crypto.hash('sha-256', bytes);
  const changes = [...genesisState(crypto, genesis).changes()];
  const { pages } = updateStateTree(stateHash, () => undefined, changes);
  const leaf = leafHash(sha256, genesis.bytes);
  const frontier = LogFrontier.empty(sha256).append([leaf]);
  return [
    { key: GENESIS, value: genesis.bytes },
    { key: HEAD, value: encode([0, genesis.document.timeMs, frontier.size, frontier.encode()]) },
    ...appendTiles(sha256, () => undefined, 0, [leaf]).map((t) => ({
      key: tileKey(t.level, t.index),
      value: t.hashes,
    })),
    ...stateWrites({ changes, pages, noncesAdded: [], noncesRemoved: [] }),
  ];
}

function readHeadRow(kv: KeyValueStore): Infer<typeof headSchema> {
  const bytes = kv.get(HEAD);
  if (bytes === undefined) throw new BropError('STORE_CORRUPT', 'the head is missing');
  return headSchema.decode(decode(bytes), 'head');
}

function readHead(crypto: CryptoProvider, kv: KeyValueStore, genesis: Genesis): Head {
  const [height, timeMs, logSize, hashes] = readHeadRow(kv);
  const frontier = LogFrontier.decode((data) => crypto.hash('sha-256', data), logSize, hashes);
  if (height === 0) return { height, timeMs, parent: genesis.hash, frontier };
  const block = kv.get(concat(BLOCK, uint64(height)));
  const commit = kv.get(concat(COMMIT, uint64(height)));
  if (block === undefined || commit === undefined) throw new BropError('STORE_CORRUPT', `block ${height} is missing`);
  const { headerBytes } = decodeStoredBlock(block, commit);
  return { height, timeMs, parent: headerHash(crypto, headerBytes), frontier };
}

/** The head and frontier agree with the newest header: checked when a node starts. */
export function checkHead(store: ChainStore): void {
  const newest = store.block(store.height);
  if (newest === undefined) return;
  if (newest.header.logSize !== store.frontier.size || compare(newest.header.logRoot, store.frontier.root()) !== 0) {
    throw new BropError('STORE_CORRUPT', 'the log frontier does not agree with the newest header');
  }
}

function nibbles(hex: string): Uint8Array {
  return Uint8Array.from(hex, (digit) => Number.parseInt(digit, 16));
}

function tileKey(level: number, index: number): Uint8Array {
  return concat(TILE, Uint8Array.of(level), uint64(index));
}

function expiringKey({ expiry, sender, nonce }: ExpiringNonce): Uint8Array {
  return concat(EXPIRING, uint64(expiry), sender, nonce);
}

function splitExpiring(key: Uint8Array): ExpiringNonce {
  return {
    expiry: uint64At(key, 1),
    sender: key.slice(9, 9 + ACCOUNT_ID_BYTES),
    nonce: key.slice(9 + ACCOUNT_ID_BYTES),
  };
}
