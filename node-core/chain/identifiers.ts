/** How identifiers follow from what creates them. Each hash has its own domain string in front. */
import { ACCOUNT_ID_BYTES } from '../codec/account-id.ts';
import { concat, utf8 } from '../codec/bytes.ts';
import { encode } from '../codec/cbor.ts';
import { fixedBytes } from '../codec/schema.ts';
import { publicKey } from '../crypto/keys.ts';
import type { CryptoProvider, PublicKey } from '../crypto/provider.ts';

export type AccountId = Uint8Array;

export const HASH_BYTES = 32;
export const NONCE_BYTES = 32;
export const hash32 = fixedBytes(HASH_BYTES);
export const accountId = fixedBytes(ACCOUNT_ID_BYTES);
export const nonce = fixedBytes(NONCE_BYTES);

const ACCOUNT_DOMAIN = utf8('brop/account/v1');
const RECORD_DOMAIN = utf8('brop/record/v1');
const HEADER_DOMAIN = utf8('brop/header/v1');
const VALIDATORS_DOMAIN = utf8('brop/validators/v1');

function domainHash(crypto: CryptoProvider, domain: Uint8Array, bytes: Uint8Array): Uint8Array {
  return crypto.hash('sha-256', concat(domain, bytes));
}

/** The account of a participant that the genesis names. */
export function genesisAccountId(crypto: CryptoProvider, key: PublicKey): AccountId {
  return domainHash(crypto, ACCOUNT_DOMAIN, encode(['genesis', publicKey.encode(key)])).slice(0, ACCOUNT_ID_BYTES);
}

/**
 * What a chain packs at most once in its life. (sender, nonce) is the identity of a transaction, but the state forgets
 * it some time after its expiry, and a sender may then sign the pair again with a later one: what a transaction makes is
 * named after all three, or a second use of the pair would overwrite what the first one made.
 */
export interface PackedOnce {
  readonly sender: AccountId;
  readonly nonce: Uint8Array;
  readonly expiry: number;
}

/** The account that operation number `operation` of a transaction creates. It never changes. */
export function createdAccountId(crypto: CryptoProvider, by: PackedOnce, operation: number): AccountId {
  return domainHash(crypto, ACCOUNT_DOMAIN, originOf(by, operation)).slice(0, ACCOUNT_ID_BYTES);
}

/** The ID of the evidence record that operation number `operation` of a transaction makes: 32 bytes. */
export function recordId(crypto: CryptoProvider, by: PackedOnce, operation: number): Uint8Array {
  return domainHash(crypto, RECORD_DOMAIN, originOf(by, operation));
}

function originOf({ sender, nonce, expiry }: PackedOnce, operation: number): Uint8Array {
  return encode([sender, nonce, expiry, operation]);
}

export function headerHash(crypto: CryptoProvider, headerBytes: Uint8Array): Uint8Array {
  return domainHash(crypto, HEADER_DOMAIN, headerBytes);
}

export function validatorSetHash(crypto: CryptoProvider, setBytes: Uint8Array): Uint8Array {
  return domainHash(crypto, VALIDATORS_DOMAIN, setBytes);
}
