/** Finding transactions in a block that is stored. */

import { equal } from '../codec/bytes.ts';
import type { StoredBlock } from './stored-block.ts';
import { decodeTransaction, type Transaction } from './transaction.ts';

/** What was packed has decoded once. */
export function packedTransaction({ header }: StoredBlock, bytes: Uint8Array): Transaction {
  const transaction = decodeTransaction(bytes, header.chain, header.protocolVersion);
  if ('code' in transaction) throw new Error(`block ${header.height} holds a transaction that does not decode`);
  return transaction;
}

/** Position of (sender, nonce) in the block. The nonce stands in the bytes as it is, so that few need decoding. */
export function indexIn(block: StoredBlock, sender: Uint8Array, nonce: Uint8Array): number | undefined {
  const index = block.transactions.findIndex((bytes) => {
    if (!contains(bytes, nonce)) return false;
    const transaction = packedTransaction(block, bytes);
    return equal(transaction.sender, sender) && equal(transaction.nonce, nonce);
  });
  return index < 0 ? undefined : index;
}

function contains(bytes: Uint8Array, part: Uint8Array): boolean {
  for (let at = bytes.indexOf(part[0]!); at >= 0; at = bytes.indexOf(part[0]!, at + 1)) {
    if (equal(bytes.subarray(at, at + part.length), part)) return true;
  }
  return false;
}
