import { beforeAll, describe, expect, it } from 'vitest';
import { SyntheticChain } from '../../test/proofs/synthetic-chain.ts';
import { utf8 } from '../codec/bytes.ts';
import type { HashAlgorithm } from '../crypto/provider.ts';
import { pureCrypto as crypto } from '../crypto/pure.ts';
import { Batch, type FileDigests } from './batch.ts';
import { REGISTER, REGISTER_BATCH, registerBatchBody, registerBody } from './operations/evidence.ts';
import { verifyFile, verifyReceipt } from './receipt.ts';

let chain: SyntheticChain;
beforeAll(async () => {
  chain = await SyntheticChain.make(crypto, 'batches');
});

const file = (i: number) => utf8(`file ${i}`);
const digestsOf = (bytes: Uint8Array, ...algorithms: HashAlgorithm[]): FileDigests =>
  new Map(algorithms.map((algorithm) => [algorithm, crypto.hash(algorithm, bytes)]));

function batchOf(count: number, ...algorithms: HashAlgorithm[]): Batch {
  const batch = new Batch(crypto);
  for (let i = 0; i < count; i++) batch.add(digestsOf(file(i), ...algorithms));
  return batch;
}

function registered(batch: Batch, code = 0): Uint8Array {
  const single = { type: REGISTER, body: registerBody.encode({ digests: digestsOf(file(999), 'sha-256') }) };
  const operation = {
    type: REGISTER_BATCH,
    body: registerBatchBody.encode({ ...batch.commitment(), subject: 'lot 1' }),
  };
  return chain.receiptBytes(chain.block(1, [chain.transaction([single, operation])], { codes: [code] }));
}

describe('a batch', () => {
  it.each([1, 2, 3, 7, 8])('of %i files gives each its own receipt', (count) => {
    const batch = batchOf(count, 'sha-256', 'sm3');
    const receiptOf = batch.receipts(registered(batch));
    for (let i = 0; i < count; i++) {
      const facts = verifyReceipt(crypto, receiptOf(i), chain.genesis.hash);
      if ('code' in facts) throw new Error(facts.code);
      const verdict = (n: number) =>
        verifyFile(facts, (algorithm) => crypto.hash(algorithm, file(n)))?.code ?? 'this file';
      expect([verdict(i), verdict(i + 1), verdict(999)]).toEqual(['this file', 'PROOF_FILE', 'PROOF_FILE']);
    }
    expect(() => receiptOf(count)).toThrow(RangeError);
  });

  it('takes several algorithms, not the same for each file, and gives the digests back', () => {
    const batch = new Batch(crypto);
    const algorithms: HashAlgorithm[][] = [['sm3'], ['sha-512', 'sha3-256'], ['sha-256', 'sha-512', 'sha3-256', 'sm3']];
    for (const [i, names] of algorithms.entries()) expect(batch.add(digestsOf(file(i), ...names))).toBe(i);
    for (const [i, names] of algorithms.entries()) {
      expect(Object.fromEntries(batch.digestsOf(i))).toEqual(Object.fromEntries(digestsOf(file(i), ...names)));
    }
  });

  it('refuses digests of a wrong length, no digests, and nothing at all', () => {
    const batch = new Batch(crypto);
    expect(() => batch.add(new Map([['sha-256', new Uint8Array(31)]]))).toThrow(/32/);
    expect(() => batch.add(new Map([['sha-512', new Uint8Array(32)]]))).toThrow(/64/);
    expect(() => batch.add(new Map())).toThrow();
    expect(batch.size).toBe(0);
    expect(() => batch.commitment()).toThrow(/empty/);
  });

  it('refuses the receipt of another batch, of a rejected one, and one that does not verify', () => {
    const batch = batchOf(5, 'sha-256');
    const receipt = registered(batch);
    expect(() => batchOf(4, 'sha-256').receipts(receipt)).toThrow(/not of this batch/);
    expect(() => batch.receipts(registered(batch, 2202))).toThrow(/rejected/);
    const broken = receipt.slice();
    broken[broken.length - 40]! ^= 1;
    expect(() => batch.receipts(broken)).toThrow();
  });

  it('of 2,000 files, and one more, grows', () => {
    const batch = batchOf(2_000, 'sha-512');
    const before = batch.commitment();
    batch.add(digestsOf(file(2_000), 'sha-512'));
    expect(batch.commitment()).toMatchObject({ count: 2_001 });
    expect(batch.commitment().root).not.toEqual(before.root);
  });
});
