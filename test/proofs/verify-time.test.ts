/** Prints how long verification and a large batch take; nothing here asserts a time (`npm run bench` does the measuring). */
import { beforeAll, expect, it } from 'vitest';
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { Batch } from '../../node-core/chain/batch.ts';
import {
  REGISTER,
  REGISTER_BATCH,
  registerBatchBody,
  registerBody,
} from '../../node-core/chain/operations/evidence.ts';
import { verifyReceipt } from '../../node-core/chain/receipt.ts';
import { uint64 } from '../../node-core/codec/bytes.ts';
import { pureCrypto } from '../../node-core/crypto/pure.ts';
import { SyntheticChain } from './synthetic-chain.ts';

let chain: SyntheticChain;
beforeAll(async () => {
  chain = await SyntheticChain.make(nativeCrypto, 'time');
});

function medianMs(runs: number, work: () => void): number {
  const times = Array.from({ length: runs }, () => {
    const start = performance.now();
    work();
    return performance.now() - start;
  });
  return times.sort((a, b) => a - b)[runs >> 1]!;
}

it('verifies a receipt with the native and the pure provider alike', () => {
  const digests = new Map([['sha-256', nativeCrypto.hash('sha-256', uint64(1))] as const]);
  const receipt = chain.receiptBytes(
    chain.block(1, [chain.transaction([{ type: REGISTER, body: registerBody.encode({ digests }) }])]),
  );
  const [native, pure] = [nativeCrypto, pureCrypto].map((crypto) =>
    medianMs(40, () => expect(verifyReceipt(crypto, receipt, chain.genesis.hash)).not.toHaveProperty('code')),
  );
  console.log(
    `receipt of ${receipt.length} bytes, 4 P-256 and 1 Ed25519 signatures: native ${native!.toFixed(2)} ms, pure ${pure!.toFixed(2)} ms`,
  );
});

it('makes a batch of 100,000 digests and a receipt of each, in memory that is bounded', () => {
  const count = 100_000;
  const batch = new Batch(nativeCrypto);
  const start = performance.now();
  const before = process.memoryUsage();
  for (let i = 0; i < count; i++) batch.add(new Map([['sha-256', nativeCrypto.hash('sha-256', uint64(i))]]));
  const operation = { type: REGISTER_BATCH, body: registerBatchBody.encode(batch.commitment()) };
  const rootMs = performance.now() - start;
  const receiptOf = batch.receipts(chain.receiptBytes(chain.block(2, [chain.transaction([operation])])));
  const issuing = performance.now();
  let bytes = 0;
  for (let i = 0; i < count; i++) bytes += receiptOf(i).length;
  const issueMs = performance.now() - issuing;
  const after = process.memoryUsage();
  const grownMb = (after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers) / 1e6;
  for (const i of [0, 1, 65_535, 99_999])
    expect(verifyReceipt(nativeCrypto, receiptOf(i), chain.genesis.hash)).toHaveProperty('trusted');
  console.log(
    `batch of ${count}: root ${rootMs.toFixed(0)} ms, receipts ${issueMs.toFixed(0)} ms (${Math.round(bytes / count)} bytes each), +${grownMb.toFixed(0)} MB`,
  );
  expect(grownMb).toBeLessThan(200);
});
