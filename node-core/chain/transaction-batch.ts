/** Signed transactions that are sent to a node together: a CBOR array of byte strings, each the exact bytes of one. */
import { type DecodeLimits, decode, encode } from '../codec/cbor.ts';
import { array, bytes } from '../codec/schema.ts';
import { MAX_TRANSACTION_BYTES } from './transaction.ts';

export const MAX_TRANSACTIONS_TOGETHER = 1_000;
export const MAX_TOGETHER_BYTES = 2 << 20;

const LIMITS: DecodeLimits = {
  maxBytes: MAX_TOGETHER_BYTES,
  maxDepth: 1,
  maxItems: MAX_TRANSACTIONS_TOGETHER + 1,
};
/** One that is a little too long gets the code of a transaction that is too long. */
const schema = array(bytes({ max: 2 * MAX_TRANSACTION_BYTES }), { min: 1, max: MAX_TRANSACTIONS_TOGETHER });

/** @throws {CodecError} kind `schema` for none, or more than go together. */
export function encodeTogether(transactions: readonly Uint8Array[]): Uint8Array {
  return encode(schema.encode(transactions));
}

/** They share memory with `input`. @throws {CodecError} */
export function decodeTogether(input: Uint8Array): readonly Uint8Array[] {
  return schema.decode(decode(input, LIMITS), 'transactions');
}
