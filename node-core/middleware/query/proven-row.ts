/**
 * A row need not be believed: the receipt of its transaction shows everything that it was made of, so a verifier makes it
 * again and compares. What a receipt cannot show is that no newer event has changed the row since.
 */
import { type Refusal, refusal } from '../../chain/codes.ts';
import { type ReceiptFacts, verifyReceipt } from '../../chain/receipt.ts';
import type { CryptoProvider } from '../../crypto/provider.ts';
import type { IndexRow } from '../../ports/index-store.ts';
import { finalizedTransaction } from '../finalized-block.ts';
import { rowsOfTransaction } from '../index/rows.ts';

/** What a row says, as an answer of the API has it. */
export type StatedRow = Pick<
  IndexRow,
  'collection' | 'key' | 'height' | 'timeMs' | 'transaction' | 'sender' | 'nonce' | 'fields'
>;

/** Codes of `verifyReceipt`; PROOF_INCLUSION when the receipt holds and the row says something else. */
export function verifyRow(
  crypto: CryptoProvider,
  stated: StatedRow,
  receipt: Uint8Array,
  genesisHash: Uint8Array,
): ReceiptFacts | Refusal {
  const facts = verifyReceipt(crypto, receipt, genesisHash);
  if ('code' in facts) return facts;
  const { header } = facts.trusted;
  const [index] = facts.receipt.inBlock;
  const rows = rowsOfTransaction(header, finalizedTransaction(crypto, header, facts.transaction, index, facts.result));
  const made = rows.find(({ collection, key }) => collection === stated.collection && key === stated.key);
  if (made === undefined) return refusal('PROOF_INCLUSION', 'the transaction has not written this row');
  return isSame(stated, made) ? facts : refusal('PROOF_INCLUSION', 'the row says something else than its transaction');
}

function isSame(stated: StatedRow, made: IndexRow): boolean {
  const { height, timeMs, transaction, sender, nonce } = made;
  const isInPlace = stated.height === height && stated.timeMs === timeMs && stated.transaction === transaction;
  return isInPlace && stated.sender === sender && stated.nonce === nonce && canonical(stated) === canonical(made);
}

/** Fields have no order of their own; the values of one have. */
function canonical({ fields }: Pick<IndexRow, 'fields'>): string {
  return JSON.stringify(Object.entries(fields ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)));
}
