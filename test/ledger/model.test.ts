// Random sequences of blocks on the real ledger and on a model of maps: the same results, counts, heads and points; and
// whatever the sequence, what must hold of every block holds.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeAccount } from '../../node-core/chain/account.ts';
import { blockLeaf, encodeEvent } from '../../node-core/chain/block.ts';
import { recordIdUnder, transactionStem } from '../../node-core/chain/identifiers.ts';
import { decodeSubjectHead, type EvidenceRecord } from '../../node-core/chain/operations/evidence-record.ts';
import { decodeTransactionEntry } from '../../node-core/chain/transaction-entry.ts';
import { fromHex, toHex } from '../../node-core/codec/bytes.ts';
import { type CborValue, decode } from '../../node-core/codec/cbor.ts';
import { leafHash, MerkleTree } from '../../node-core/crypto/merkle-log.ts';
import { stateKeyHash, stateValueHash, updateTree } from '../../node-core/crypto/state-tree.ts';
import type { ExecutedBlock } from '../../node-core/ledger/execute-block.ts';
import { prunedThroughOf, usedNonceOf } from '../../node-core/ledger/nonces.ts';
import { decodeQuota } from '../../node-core/ledger/quota.ts';
import { stateRowsUnder } from '../../node-core/runtime/state-rows.ts';
import { blockDraw, RandomChain } from './random-chain.ts';
import { crypto } from './world.ts';

const RUNS = 50;
const hash = (bytes: Uint8Array) => crypto.hash('sha-256', bytes);

/** Every entry of the state, by family. */
async function stateOf(
  chain: RandomChain,
): Promise<Map<string, { key: CborValue[]; bytes: Uint8Array; value: Uint8Array }[]>> {
  const families = new Map<string, { key: CborValue[]; bytes: Uint8Array; value: Uint8Array }[]>();
  await chain.world.store.flush();
  for (const { key: bytes, value } of stateRowsUnder(chain.world.kv, '')) {
    const parts = decode(bytes) as CborValue[];
    const family = families.get(parts[0] as string) ?? [];
    family.push({ key: parts, bytes, value });
    families.set(parts[0] as string, family);
  }
  return families;
}

async function expectSameState(chain: RandomChain): Promise<void> {
  const { model, world } = chain;
  const state = await stateOf(chain);
  const idsOf = (family: string) => (state.get(family) ?? []).map(({ key }) => toHex(key[1] as Uint8Array)).sort();
  expect(idsOf('account')).toEqual([...model.now.accounts.keys()].sort());
  const entries = (state.get('tx') ?? []).map(({ key, value }) => ({
    stem: key[1] as Uint8Array,
    entry: decodeTransactionEntry(value),
  }));
  const records = entries.flatMap(({ stem, entry }) =>
    (entry.left?.records ?? []).map(([operation]) => toHex(recordIdUnder(stem, operation))),
  );
  expect(records.sort()).toEqual([...model.now.records].sort());
  expect((state.get('name') ?? []).map(({ key }) => key[1]).sort()).toEqual([...model.now.names].sort());
  expect(state.get('key')?.length).toBe(model.now.keys.size);
  expect(idsOf('quota')).toEqual([...model.now.accounts.keys()].sort());
  for (const { key, value } of state.get('quota')!) {
    const id = toHex(key[1] as Uint8Array);
    const { points, remainder, timeMs } = decodeQuota(value);
    const { exact, timeMs: since } = model.now.quotas.get(id)!;
    expect({
      exact: BigInt(points) * BigInt(model.now.accounts.get(id)!.periodMs) + BigInt(remainder),
      timeMs,
    }).toEqual({
      exact,
      timeMs: since,
    });
  }
  for (const { key, value } of state.get('account')!) {
    const { kind, level, certifier, validUntil } = decodeAccount(value);
    const expected = model.now.accounts.get(toHex(key[1] as Uint8Array))!;
    expect({ kind, level, certifier: certifier && toHex(certifier), validUntil }).toEqual({
      kind: expected.kind,
      level: expected.level,
      certifier: expected.certifier,
      validUntil: expected.validUntil,
    });
  }
  expect(state.get('subject')?.length ?? 0).toBe(model.now.subjects.size);
  for (const { key, value } of state.get('subject') ?? []) {
    const { count, head, height } = decodeSubjectHead(value);
    const expected = model.now.subjects.get(`${toHex(key[1] as Uint8Array)}/${key[2]}`);
    expect({ count, head: toHex(head), height }).toEqual(expected);
  }
  expect(entries.length).toBe(model.nonces.size);
  for (const [identity, { expiry, height, code, stays }] of model.nonces) {
    const [sender, nonce] = identity.split('/') as [string, string];
    const used = usedNonceOf(world.store, transactionStem(crypto, { sender: fromHex(sender), nonce: fromHex(nonce) }));
    expect(used).toMatchObject({ expiry, height, code });
    expect(used?.left !== null).toBe(stays);
  }
  expect(prunedThroughOf(world.store)).toBe(model.prunedThrough);
}

/** From the head of each subject back to its first record: as many as the count says, none twice, none missing. */
async function expectUnbrokenSubjects(chain: RandomChain): Promise<void> {
  for (const { key, value } of (await stateOf(chain)).get('subject') ?? []) {
    const { count, head, height } = decodeSubjectHead(value);
    let id: Uint8Array | undefined = head;
    let expectedHeight: number | undefined = height;
    for (let sequence = count; sequence >= 1; sequence--) {
      const record: EvidenceRecord = chain.world.record(id!)!;
      expect(record).toMatchObject({ sequence, subject: key[2], registrant: key[1], height: expectedHeight });
      id = record.previous;
      expectedHeight = record.previousHeight;
    }
    expect(id).toBeUndefined();
  }
}

async function expectRootsOfHeader(chain: RandomChain, executed: ExecutedBlock): Promise<void> {
  const { header, results, transactions, events } = executed;
  const entries = [...(await stateOf(chain)).values()].flat();
  const updates = entries.map(({ bytes, value }) => ({
    keyHash: stateKeyHash(hash, bytes),
    valueHash: stateValueHash(hash, value),
  }));
  expect(updateTree(hash, () => undefined, updates.reverse()).root).toEqual(header.stateRoot);
  const leaves = transactions.map(({ transaction }, i) =>
    leafHash(hash, blockLeaf(crypto, transaction.bytes, results[i]!)),
  );
  expect(new MerkleTree(hash, leaves).root()).toEqual(header.blockRoot);
  const eventLeaves = events.map((event) => leafHash(hash, encodeEvent(event)));
  expect(new MerkleTree(hash, eventLeaves).root()).toEqual(header.eventsRoot);
  expect([header.transactionCount, header.eventCount]).toEqual([transactions.length, events.length]);
}

const blocks = fc.array(blockDraw, { minLength: 1, maxLength: 14 });

describe('random blocks', () => {
  test('the ledger and the model agree on every result and on the whole state', async () => {
    await fc.assert(
      fc.asyncProperty(blocks, async (draws) => {
        const chain = await RandomChain.open();
        for (const draw of draws) {
          const executed = await chain.draw(draw);
          expect(executed.header.logSize).toBe(chain.model.logSize);
          expect(executed.header.eventCount).toBe(chain.model.events);
          await expectSameState(chain);
        }
        await expectUnbrokenSubjects(chain);
      }),
      { numRuns: RUNS },
    );
  }, 300_000);

  test('state root, block root and events root are those of what is there, computed from nothing', async () => {
    await fc.assert(
      fc.asyncProperty(blocks, async (draws) => {
        const chain = await RandomChain.open();
        const logged = [leafHash(hash, chain.world.genesis.bytes)];
        for (let h = 1; h <= chain.world.store.height; h++) logged.push(...appliedAt(chain, h));
        for (const draw of draws) {
          const executed = await chain.draw(draw);
          await chain.world.store.flush();
          await expectRootsOfHeader(chain, executed);
          logged.push(...appliedAt(chain, executed.header.height));
          expect(new MerkleTree(hash, logged).root()).toEqual(executed.header.logRoot);
        }
      }),
      { numRuns: RUNS / 2 },
    );
  }, 300_000);

  test('a copy of the store, opened anew, executes the next block to the same bytes', async () => {
    await fc.assert(
      fc.asyncProperty(blocks, blockDraw, async (draws, last) => {
        const chain = await RandomChain.open();
        for (const draw of draws) await chain.draw(draw);
        const copy = await chain.world.copy();
        const executed = await chain.draw(last);
        // Throws unless every transaction is taken and every byte of the header is the same.
        copy.assertValid(executed, last.stepMs);
      }),
      { numRuns: RUNS / 2 },
    );
  }, 300_000);

  test('what was packed once is never packed again, before and after its nonce has gone', async () => {
    await fc.assert(
      fc.asyncProperty(blocks, fc.nat({ max: 9 }), async (draws, idle) => {
        const chain = await RandomChain.open();
        for (const draw of draws) {
          await chain.draw(draw);
          const { refusals } = chain.world.execute(chain.packedBytes);
          const codes = new Set(refusals.map((refusal) => refusal?.code));
          for (const code of codes) expect(['NONCE_USED', 'EXPIRED']).toContain(code);
        }
        await chain.world.idle(idle);
        const { refusals } = chain.world.execute(chain.packedBytes);
        for (const refusal of refusals) expect(['NONCE_USED', 'EXPIRED']).toContain(refusal?.code);
      }),
      { numRuns: RUNS },
    );
  }, 300_000);
});

function appliedAt(chain: RandomChain, height: number): Uint8Array[] {
  const { transactions, results } = chain.world.store.recentBlock(height)!;
  return transactions.filter((_, i) => results[i]![0] === 0).map((bytes) => leafHash(hash, bytes));
}
