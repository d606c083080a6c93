/** What a transaction costs as the state grows: blocks are executed and committed over states of several sizes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { openLmdbStore } from '../../adapters/store-lmdb/store.ts';
import { PROTOCOL_VERSION } from '../../node-core/chain/genesis.ts';
import { createdAccountId, genesisAccountId, STEM_BYTES } from '../../node-core/chain/identifiers.ts';
import { ADMIT_PARTNER, admitPartnerBody } from '../../node-core/chain/operations/admit-partner.ts';
import { stateKey } from '../../node-core/chain/state-keys.ts';
import { finishTransaction, prepareTransaction } from '../../node-core/chain/transaction.ts';
import { compare } from '../../node-core/codec/bytes.ts';
import { generateKeyPair, type KeyPair } from '../../node-core/crypto/generate.ts';
import { parseTransaction } from '../../node-core/ledger/admission.ts';
import { BlockExecution } from '../../node-core/ledger/execute-block.ts';
import { placed, updateStateTree } from '../../node-core/ledger/state.ts';
import type { KeyValueStore } from '../../node-core/ports/key-value-store.ts';
import { operationsOf } from '../../node-core/protocol/table.ts';
import { stateWrites } from '../../node-core/runtime/chain-rows.ts';
import { ChainStore } from '../../node-core/runtime/chain-store.ts';
import { consortium } from '../simulation/fixture.ts';
import { MemoryBlobs } from '../simulation/memory-blobs.ts';
import { random } from './chain.ts';
import { evidenceTransactions, type Sender } from './client.ts';

const BLOCK_TRANSACTIONS = 600;
const BLOCKS = 20;
const FILL_BATCH = 2_000;
const NO_SIGNATURE = new Uint8Array(64);

/** Microseconds of CPU for one transaction, from decoding to the durable commit, at each size of the state. */
export async function costByStateSize(sizes: readonly number[], say: (line: string) => void): Promise<number[]> {
  const costs: number[] = [];
  for (const size of sizes) {
    costs.push(await costAt(size));
    say(`state of ${size} entries: ${costs.at(-1)!.toFixed(0)} µs of CPU a transaction`);
  }
  return costs;
}

async function costAt(size: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'brop-bench-state-'));
  try {
    const kv = await openLmdbStore({ folder });
    const cost = await measure(kv, size);
    await kv.close();
    return cost;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(kv: KeyValueStore, size: number): Promise<number> {
  const parameters = { maxBlockTransactions: BLOCK_TRANSACTIONS };
  const setup = { validators: 1, suite: 'ed25519', timeMs: Date.now(), parameters } as const;
  const { genesis, operator } = await consortium(nativeCrypto, random, setup);
  const store = await ChainStore.open(nativeCrypto, kv, new MemoryBlobs(), genesis.bytes);
  await fill(kv, store, size);
  const sender = await admitSender(store, operator);
  const transactions = evidenceTransactions(sender, 2 * BLOCKS * BLOCK_TRANSACTIONS, 10_000);
  const block = (i: number) => transactions.slice(i * BLOCK_TRANSACTIONS, (i + 1) * BLOCK_TRANSACTIONS);
  for (let i = 0; i < BLOCKS; i++) await commitBlock(store, block(i));
  // What filling has left behind is no cost of a transaction.
  collectGarbage();
  const before = process.cpuUsage();
  for (let i = BLOCKS; i < 2 * BLOCKS; i++) await commitBlock(store, block(i));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / (BLOCKS * BLOCK_TRANSACTIONS);
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
}

/** Entries that nobody will ask for, as large as those of a registration, in the state and its tree; written in order, as a snapshot is. */
async function fill(kv: KeyValueStore, store: ChainStore, size: number): Promise<void> {
  const stateHash = (bytes: Uint8Array) => nativeCrypto.hash(store.genesis.document.stateHash, bytes);
  const value = random(200);
  const entries = Array.from({ length: size }, () => ({ key: stateKey.transaction(random(STEM_BYTES)), value }));
  const changes = placed(stateHash, entries);
  const { pages } = updateStateTree(stateHash, (path) => store.page(path), changes);
  const rows = stateWrites(stateHash, { changes, pages, noncesAdded: [] }).sort((a, b) => compare(a.key, b.key));
  for (let i = 0; i < rows.length; i += FILL_BATCH) await kv.write(rows.slice(i, i + FILL_BATCH));
}

async function admitSender(store: ChainStore, operator: KeyPair): Promise<Sender> {
  const key = generateKeyPair('ed25519', random);
  const body = admitPartnerBody.encode({
    name: 'Bench partner',
    key: key.publicKey,
    legal: { version: '1.0', digest: random(32) },
    permissions: ['evidence'],
    quota: { max: 1_000_000_000_000, periodMs: 86_400_000 },
  });
  const chain = store.genesis.hash;
  const draft = {
    chain,
    protocolVersion: PROTOCOL_VERSION,
    sender: genesisAccountId(nativeCrypto, operator.publicKey),
    label: 'bench',
    nonce: random(32),
    expiry: 1_000,
    operations: [{ type: ADMIT_PARTNER, body }],
  };
  await commitBlock(store, [
    finishTransaction(prepareTransaction(nativeCrypto, draft, operator.publicKey), NO_SIGNATURE),
  ]);
  return { chain, account: createdAccountId(nativeCrypto, draft, 0), key };
}

/** Signatures apart, all that a node does with a block of somebody else. */
async function commitBlock(store: ChainStore, transactions: readonly Uint8Array[]): Promise<void> {
  const { genesis, timeMs } = store;
  const proposer = genesis.validators.validators[0]!.id;
  const execution = new BlockExecution(nativeCrypto, store, { timeMs: timeMs + 1_000, round: 0, proposer });
  for (const bytes of transactions) {
    const parsed = parseTransaction(
      nativeCrypto,
      bytes,
      genesis.hash,
      PROTOCOL_VERSION,
      operationsOf(PROTOCOL_VERSION),
    );
    const refused = 'code' in parsed ? parsed : execution.add(parsed);
    if (refused !== null) throw new Error(`not packed: ${refused.code} ${refused.detail ?? ''}`);
  }
  await store.commit(execution.finish(), [0, [[0, 0, NO_SIGNATURE]]]);
}
