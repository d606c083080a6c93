/** Blocks, the results of their transactions, and the events they caused. */
import { type CborValue, type DecodeLimits, decode, encode } from '../codec/cbor.ts';
import { any, array, bytes, type Infer, nullable, text, tuple, uint } from '../codec/schema.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { decodeHeader, type Header } from './header.ts';
import { hash32 } from './identifiers.ts';
import { MAX_OPERATIONS, MAX_TRANSACTION_BYTES } from './transaction.ts';

export interface Block {
  readonly header: Header;
  readonly headerBytes: Uint8Array;
  /** Exact COSE_Sign1 bytes, in order of execution. */
  readonly transactions: readonly Uint8Array[];
}

export const MAX_BLOCK_BYTES = 6_100_000;
export const MAX_HEADER_BYTES = 1_024;
const BLOCK_LIMITS: DecodeLimits = { maxBytes: MAX_BLOCK_BYTES, maxDepth: 4, maxItems: 12_000 };

const blockSchema = tuple(
  bytes({ max: MAX_HEADER_BYTES }),
  array(bytes({ max: MAX_TRANSACTION_BYTES }), { max: 10_000 }),
);

export function encodeBlock(block: Block): Uint8Array {
  return encode([block.headerBytes, block.transactions]);
}

/** @throws {CodecError} */
export function decodeBlock(input: Uint8Array): Block {
  const [headerBytes, transactions] = blockSchema.decode(decode(input, BLOCK_LIMITS), 'block');
  return { header: decodeHeader(headerBytes), headerBytes, transactions };
}

/**
 * What became of a packed transaction: [code (0 = applied), operation that was rejected, points charged,
 * index in the log, SHA-256 of the sender's account record at that moment].
 */
export const resultSchema = tuple(
  uint({ max: 9_999 }),
  nullable(uint({ max: MAX_OPERATIONS - 1 })),
  uint(),
  nullable(uint({ min: 1 })),
  hash32,
);
export type Result = Infer<typeof resultSchema>;

export function encodeResult(result: Result): CborValue {
  return resultSchema.encode(result);
}

/** Leaf of the block tree: the digest of the exact transaction bytes with the result. */
export function blockLeaf(crypto: CryptoProvider, transaction: Uint8Array, result: Result): Uint8Array {
  return blockLeafOf(crypto.hash('sha-256', transaction), result);
}

/** {@link blockLeaf} of the transaction with this SHA-256. */
export function blockLeafOf(digest: Uint8Array, result: Result): Uint8Array {
  return encode([digest, encodeResult(result)]);
}

/** [transaction index in the block, operation index, type, data]. */
export const eventSchema = tuple(uint(), uint({ max: MAX_OPERATIONS - 1 }), text({ max: 64 }), any);
export type ChainEvent = Infer<typeof eventSchema>;

export function encodeEvent(event: ChainEvent): Uint8Array {
  return encode(eventSchema.encode(event));
}
