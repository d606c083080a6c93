/** A batch through the SDK, as a partner registers it: from the digests to a receipt for each of them. */
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { verifyReceipt } from '../../node-core/chain/receipt.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import { createClient, signerFromSecretKey } from '../../sdk/index.ts';
import { type BenchChain, random } from './chain.ts';

/** Receipts of the batch that are verified afterwards. */
const SAMPLES = 20;

/** Seconds from having the digests to having all receipts. */
export async function batchSeconds({ devnet, sender }: BenchChain, count: number): Promise<number> {
  const { chain, account, key } = sender;
  const client = createClient({
    url: devnet.apiUrl,
    genesisHash: toHex(chain),
    account: accountIdToText(account),
    signer: signerFromSecretKey(key.publicKey.suite, key.secretKey),
    crypto: nativeCrypto,
  });
  const digests = Array.from({ length: count }, () => random(32));
  const begin = performance.now();
  const batch = client.newBatch();
  for (const digest of digests) batch.add(new Map([['sha-256', digest]]));
  const { receiptOf } = await client.evidence.registerBatch(batch);
  const kept: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const receipt = receiptOf(i);
    if (i % Math.ceil(count / SAMPLES) === 0) kept.push(receipt);
  }
  const seconds = (performance.now() - begin) / 1_000;
  for (const receipt of kept) {
    const facts = verifyReceipt(nativeCrypto, receipt, chain);
    if ('code' in facts) throw new Error(`a receipt of the batch does not verify: ${facts.code}`);
  }
  return seconds;
}
