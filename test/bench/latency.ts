/** From submission to a receipt that verifies, one transaction at a time. */
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { verifyReceipt } from '../../node-core/chain/receipt.ts';
import type { BenchChain } from './chain.ts';
import { evidenceTransactions } from './client.ts';
import { percentile } from './measure.ts';

const RATE = 20;
const VERIFICATIONS = 101;

/** Milliseconds from submission to a receipt that verifies, at 20 transactions a second. */
export async function latencies(chain: BenchChain, seconds: number): Promise<number[]> {
  const transactions = evidenceTransactions(chain.sender, RATE * seconds, chain.expiry);
  const taken: number[] = [];
  const calls: Promise<void>[] = [];
  const begin = performance.now();
  for (const [i, transaction] of transactions.entries()) {
    const waitMs = Math.max(0, begin + (i * 1_000) / RATE - performance.now());
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    calls.push(submitAndVerify(chain, transaction).then((ms) => void taken.push(ms)));
  }
  await Promise.all(calls);
  return taken;
}

async function submitAndVerify({ http, sender }: BenchChain, transaction: Uint8Array): Promise<number> {
  const start = performance.now();
  const { status, body } = await http.send('POST', '/v1/transactions', transaction, { prefer: 'wait=20' });
  const ms = performance.now() - start;
  const facts = status === 200 ? verifyReceipt(nativeCrypto, body, sender.chain) : { code: `HTTP ${status}` };
  if ('code' in facts) throw new Error(`no valid receipt: ${JSON.stringify(facts)} ${status === 200 ? '' : body}`);
  return ms;
}

/** Median time to verify one receipt offline, once the code is warm. */
export async function receiptVerification({ http, sender, expiry }: BenchChain): Promise<number> {
  const [transaction] = evidenceTransactions(sender, 1, expiry);
  const { body } = await http.send('POST', '/v1/transactions', transaction, { prefer: 'wait=20' });
  const times = Array.from({ length: VERIFICATIONS }, () => {
    const start = performance.now();
    const facts = verifyReceipt(nativeCrypto, body, sender.chain);
    if ('code' in facts) throw new Error(`no valid receipt: ${facts.code}`);
    return performance.now() - start;
  });
  return percentile(times, 0.5);
}
