/**
 * Verification alone, offline, from the genesis hash: the entry point for a page that shows receipts. It asks no
 * server, and pulls in nothing that signs or submits.
 */

import {
  type EquivocationKind,
  verifyEquivocation as verifyEquivocationBytes,
} from '../node-core/chain/equivocation.ts';
import {
  candidatesOf,
  type ReceiptFacts,
  verifyFile,
  verifyReceipt as verifyReceiptBytes,
} from '../node-core/chain/receipt.ts';
import { proofFromJson } from '../node-core/chain/receipt-json.ts';
import {
  type ExpiringTransaction,
  verifyExpiryCertificate as verifyExpiryBytes,
  verifyStateProof as verifyStateBytes,
} from '../node-core/chain/state-proof.ts';
import { accountIdToText } from '../node-core/codec/account-id.ts';
import { fromHex, toHex } from '../node-core/codec/bytes.ts';
import type { CryptoProvider, HashAlgorithm } from '../node-core/crypto/provider.ts';
import { pureCrypto } from '../node-core/crypto/pure.ts';
import { digestOf, type FileSource, type Hasher, pureHasher } from './digest.ts';
import { type Place, placeOf, type ReceiptSummary, refused, summaryOf, type Verdict } from './verdict.ts';

export { BropError, CODES, type CodeName } from '../node-core/chain/codes.ts';
export { proofFromJson, proofToJson } from '../node-core/chain/receipt-json.ts';
export { stateKey } from '../node-core/chain/state-keys.ts';
export { accountIdFromText, accountIdToText } from '../node-core/codec/account-id.ts';
export { fromHex, toHex } from '../node-core/codec/bytes.ts';
export { decode as decodeCbor } from '../node-core/codec/cbor.ts';
export type { CryptoProvider, HashAlgorithm } from '../node-core/crypto/provider.ts';
export { pureCrypto } from '../node-core/crypto/pure.ts';
export { digestOf, type FileSource, type Hasher } from './digest.ts';
export type { Place, ReceiptSummary, Refused, Verdict } from './verdict.ts';

/** A proof in either form: the CBOR file, or its JSON. */
export type ProofInput = Uint8Array | string;

export interface VerifyOptions {
  /** 32 bytes, or 64 hexadecimal digits: all that is trusted. */
  readonly genesisHash: Uint8Array | string;
  /** A faster provider, such as the native one in Node. */
  readonly crypto?: CryptoProvider;
}

export interface VerifyReceiptOptions extends VerifyOptions {
  /** The file itself. Without it the receipt alone is verified, and says nothing about any file. */
  readonly file?: FileSource;
  readonly hasherOf?: (algorithm: HashAlgorithm) => Hasher;
  /** Take the receipt of a rejected transaction as proof of its rejection, for which `code` is the reason. Not with `file`. */
  readonly acceptRejected?: boolean;
}

/**
 * @returns who registered what and when, or the code of the first step that fails (docs/spec/receipts.md).
 * @throws {RangeError} for a genesis hash that is none; never for what is in the receipt or in the file.
 * @example
 * const verdict = await verifyReceipt(receipt, { genesisHash, file });
 * if (!verdict.ok) throw new Error(`${verdict.code}: ${verdict.text}`);
 */
export async function verifyReceipt(
  input: ProofInput,
  options: VerifyReceiptOptions,
): Promise<Verdict<ReceiptSummary>> {
  const { file, hasherOf = pureHasher, acceptRejected = false } = options;
  const facts = verifyWith(input, options, verifyReceiptBytes);
  if ('code' in facts) return refused(facts);
  const [code] = facts.result;
  if (code !== 0 && !acceptRejected) return refused({ code: 'PROOF_REJECTED', detail: `code ${code}` });
  if (file !== undefined) {
    const wrong = verifyFile(facts, await digestsFor(facts, file, hasherOf));
    if (wrong !== null) return refused(wrong);
  }
  return { ok: true, ...summaryOf(options.crypto ?? pureCrypto, facts) };
}

async function digestsFor(facts: ReceiptFacts, file: FileSource, hasherOf: (algorithm: HashAlgorithm) => Hasher) {
  const algorithms = candidatesOf(facts).flatMap((candidate) => [...candidate.keys()]);
  const digests = await digestOf(file, algorithms, hasherOf);
  return (algorithm: HashAlgorithm) => digests.get(algorithm)!;
}

/** @param options.key what was asked about (`stateKey`); a proof about another key is refused. */
export function verifyStateProof(
  input: ProofInput,
  options: VerifyOptions & { readonly key: Uint8Array },
): Verdict<Place & { readonly value: Uint8Array | null }> {
  const facts = verifyWith(input, options, (...args) => verifyStateBytes(...args, options.key));
  return 'code' in facts ? refused(facts) : { ok: true, ...placeOf(facts.trusted), value: facts.value };
}

/**
 * 超时证明: the transaction was never packed and never can be, so its intent may be signed again.
 * @param options.transaction the caller's own; a certificate about any other, or another expiry, is refused.
 */
export function verifyExpiryCertificate(
  input: ProofInput,
  options: VerifyOptions & { readonly transaction: ExpiringTransaction },
): Verdict<Place> {
  const facts = verifyWith(input, options, (...args) => verifyExpiryBytes(...args, options.transaction));
  return 'code' in facts ? refused(facts) : { ok: true, ...placeOf(facts.trusted) };
}

export interface Equivocation {
  readonly chain: Place['chain'];
  /** brop1… */
  readonly validator: string;
  readonly height: number;
  readonly round: number;
  /** What it has signed twice. */
  readonly kind: EquivocationKind;
}

/** Evidence that a validator has signed two messages that contradict each other; the CBOR file. */
export function verifyEquivocation(input: Uint8Array, options: VerifyOptions): Verdict<Equivocation> {
  const facts = verifyWith(input, options, verifyEquivocationBytes);
  if ('code' in facts) return refused(facts);
  const { genesis, validator, height, round, kind } = facts;
  const chain = { name: genesis.document.name, genesisHash: toHex(genesis.hash) };
  return { ok: true, chain, validator: accountIdToText(validator), height, round, kind };
}

function verifyWith<T>(
  input: ProofInput,
  { genesisHash, crypto = pureCrypto }: VerifyOptions,
  verify: (crypto: CryptoProvider, bytes: Uint8Array, genesisHash: Uint8Array) => T,
) {
  const hash = genesisHashOf(genesisHash);
  const bytes = typeof input === 'string' ? proofFromJson(input) : input;
  return bytes instanceof Uint8Array ? verify(crypto, bytes, hash) : bytes;
}

/** @throws {RangeError} when it has not 32 bytes. */
export function genesisHashOf(value: Uint8Array | string): Uint8Array {
  const bytes = typeof value === 'string' ? fromHex(value) : value;
  if (bytes.length !== 32) throw new RangeError('a genesis hash has 32 bytes, 64 hexadecimal digits');
  return bytes;
}
