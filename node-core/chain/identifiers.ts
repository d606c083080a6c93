/** How identifiers follow from what creates them. Each hash has its own domain string in front. */
import { ACCOUNT_ID_BYTES } from '../codec/account-id.ts';
import { utf8 } from '../codec/bytes.ts';
import { encode } from '../codec/cbor.ts';
import { fixedBytes } from '../codec/schema.ts';
import { publicKey } from '../crypto/keys.ts';
import { prefixedHash } from '../crypto/prefixed-hash.ts';
import type { CryptoProvider, PublicKey } from '../crypto/provider.ts';

export type AccountId = Uint8Array;

export const HASH_BYTES = 32;
export const NONCE_BYTES = 32;
/** Of what names a transaction; with one byte for an operation's number it has the length of a hash. */
export const STEM_BYTES = 31;
export const hash32 = fixedBytes(HASH_BYTES);
export const accountId = fixedBytes(ACCOUNT_ID_BYTES);
export const nonce = fixedBytes(NONCE_BYTES);

const ACCOUNT_DOMAIN = utf8('brop/account/v1');
const TRANSACTION_DOMAIN = utf8('brop/transaction/v1');
const HEADER_DOMAIN = utf8('brop/header/v1');
const VALIDATORS_DOMAIN = utf8('brop/validators/v1');

function domainHash(crypto: CryptoProvider, domain: Uint8Array, bytes: Uint8Array): Uint8Array {
  return prefixedHash((input) => crypto.hash('sha-256', input), domain, bytes);
}

/** The account of a participant that the genesis names. */
export function genesisAccountId(crypto: CryptoProvider, key: PublicKey): AccountId {
  return domainHash(crypto, ACCOUNT_DOMAIN, encode(['genesis', publicKey.encode(key)])).slice(0, ACCOUNT_ID_BYTES);
}

/** The identity of a transaction. */
export interface Pair {
  readonly sender: AccountId;
  readonly nonce: Uint8Array;
}

/**
 * What a chain packs at most once in its life. (sender, nonce) is the identity of a transaction, but the state forgets
 * it some time after its expiry unless the transaction has left records, and a sender may then sign the pair again with
 * a later one: an account is named after all three, or a second use of the pair would overwrite the first one's.
 */
export interface PackedOnce extends Pair {
  readonly expiry: number;
}

/** The account that operation number `operation` of a transaction creates. It never changes. */
export function createdAccountId(crypto: CryptoProvider, by: PackedOnce, operation: number): AccountId {
  const { sender, nonce, expiry } = by;
  const origin = encode([sender, nonce, expiry, operation]);
  return domainHash(crypto, ACCOUNT_DOMAIN, origin).slice(0, ACCOUNT_ID_BYTES);
}

/** Names (sender, nonce) in the state: 31 bytes. */
export function transactionStem(crypto: CryptoProvider, { sender, nonce }: Pair): Uint8Array {
  return domainHash(crypto, TRANSACTION_DOMAIN, encode([sender, nonce])).slice(0, STEM_BYTES);
}

/** The ID of the record that operation number `operation` of a transaction leaves: its stem and the number, 32 bytes. */
export function recordId(crypto: CryptoProvider, by: Pair, operation: number): Uint8Array {
  return recordIdUnder(transactionStem(crypto, by), operation);
}

export function recordIdUnder(stem: Uint8Array, operation: number): Uint8Array {
  const id = new Uint8Array(STEM_BYTES + 1);
  id.set(stem);
  id[STEM_BYTES] = operation;
  return id;
}

/** The transaction that has left a record, and which of its operations. */
export function originOfRecord(id: Uint8Array): { readonly stem: Uint8Array; readonly operation: number } {
  return { stem: id.subarray(0, STEM_BYTES), operation: id[STEM_BYTES]! };
}

export function headerHash(crypto: CryptoProvider, headerBytes: Uint8Array): Uint8Array {
  return domainHash(crypto, HEADER_DOMAIN, headerBytes);
}

export function validatorSetHash(crypto: CryptoProvider, setBytes: Uint8Array): Uint8Array {
  return domainHash(crypto, VALIDATORS_DOMAIN, setBytes);
}
