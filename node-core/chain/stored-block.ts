/** Committed blocks as the store keeps them. */

import { equal } from '../codec/bytes.ts';
import { type DecodeLimits, decode, encode } from '../codec/cbor.ts';
import { array, tuple } from '../codec/schema.ts';
import { leafHash, rootOf } from '../crypto/merkle-log.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { type Block, blockLeaf, decodeBlock, type Result, resultSchema } from './block.ts';
import { type Certificate, certificateSchema } from './certificate.ts';

export const commitSchema = tuple(certificateSchema, array(resultSchema, { max: 10_000 }));

export interface StoredBlock extends Block {
  readonly certificate: Certificate;
  readonly results: readonly Result[];
}

export const STORED_LIMITS: DecodeLimits = { maxBytes: 64 << 20, maxDepth: 8, maxItems: 1_000_000 };

export function encodeCommit(certificate: Certificate, results: readonly Result[]): Uint8Array {
  return encode(commitSchema.encode([certificate, results]));
}

/** @throws {CodecError} */
export function decodeStoredBlock(block: Uint8Array, commit: Uint8Array): StoredBlock {
  const [certificate, results] = commitSchema.decode(decode(commit, STORED_LIMITS), 'commit');
  return { ...decodeBlock(block), certificate, results };
}

/**
 * Whether these transactions and results are those that the header commits to. A header can be certified while the
 * transactions that come with it are not its own: who says that a certified block does not execute must know this first.
 */
export function belongsToHeader(crypto: CryptoProvider, { header, transactions, results }: StoredBlock): boolean {
  if (transactions.length !== header.transactionCount || results.length !== header.transactionCount) return false;
  const sha256 = (data: Uint8Array) => crypto.hash('sha-256', data);
  const leaves = transactions.map((bytes, i) => leafHash(sha256, blockLeaf(crypto, bytes, results[i]!)));
  return equal(rootOf(sha256, leaves), header.blockRoot);
}
