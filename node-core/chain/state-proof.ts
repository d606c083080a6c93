/** Proofs about the state: that a key has a value at a height, or that it has none; and the expiry certificate. */
import { equal } from '../codec/bytes.ts';
import { type CborValue, decode, encode } from '../codec/cbor.ts';
import { array, bytes, type Infer, literal, nullable, record, tuple, uint } from '../codec/schema.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import { verifyProof } from '../crypto/state-proof.ts';
import { stateKeyHash, stateValueHash } from '../crypto/state-tree.ts';
import { anchorFields, formRefusal, type TrustedHeader, verifyAnchor } from './anchor.ts';
import { type Refusal, refusal } from './codes.ts';
import { accountId, hash32, nonce, transactionStem } from './identifiers.ts';
import { PROOF_LIMITS } from './receipt.ts';
import { stateKey } from './state-keys.ts';

/** [siblings from the root to the leaf, the leaf found there: [key hash, value hash] or null]. */
export const statePathSchema = tuple(array(hash32, { max: 256 }), nullable(tuple(hash32, hash32)));
export type StatePath = Infer<typeof statePathSchema>;

const entry = record({ key: bytes({ max: 511 }), value: nullable(bytes({ max: 65_535 })), path: statePathSchema });

export const stateProofSchema = record({ type: literal('brop.state-proof.v1'), ...anchorFields, entry });
export type StateProofFile = Infer<typeof stateProofSchema>;

/**
 * 超时证明: at a height not below the expiry, (sender, nonce) is absent and nonces are removed only through a height
 * below the expiry. So no transaction of the pair with this expiry was packed, and none ever can be.
 *
 * It speaks of one triple. The same absence also proves the triples with any other expiry above `prunedThrough` and
 * not above the height, so whoever acts on a certificate compares all three with its own transaction.
 */
export const expirySchema = record({
  type: literal('brop.expiry.v1'),
  ...anchorFields,
  sender: accountId,
  nonce,
  expiry: uint(),
  absence: statePathSchema,
  /** Value of `prunedThrough`, null when nothing has been removed yet. */
  prunedThrough: nullable(uint()),
  prunedThroughPath: statePathSchema,
});
export type ExpiryCertificate = Infer<typeof expirySchema>;

function decodeAs<T>(schema: { decode(value: CborValue, path: string): T }, input: Uint8Array): T | Refusal {
  try {
    return schema.decode(decode(input, PROOF_LIMITS), '');
  } catch (error) {
    return formRefusal(error);
  }
}

export function encodeStateProof(file: StateProofFile): Uint8Array {
  return encode(stateProofSchema.encode(file));
}

export function encodeExpiryCertificate(file: ExpiryCertificate): Uint8Array {
  return encode(expirySchema.encode(file));
}

/** Whether a path shows that a key has this value, or none, at a header; a node asks before it gives a proof out. */
export function holdsInState(
  crypto: CryptoProvider,
  trusted: Pick<TrustedHeader, 'header' | 'genesis'>,
  key: Uint8Array,
  value: Uint8Array | null,
  statePath: StatePath,
): boolean {
  const hash = (data: Uint8Array) => crypto.hash(trusted.genesis.document.stateHash, data);
  const [siblings, leaf] = statePath;
  const proof = { siblings: [...siblings], leaf: leaf === null ? null : { keyHash: leaf[0], valueHash: leaf[1] } };
  const expected = value === null ? null : stateValueHash(hash, value);
  return verifyProof(hash, trusted.header.stateRoot, stateKeyHash(hash, key), proof, expected);
}

export interface StateFacts {
  readonly trusted: TrustedHeader;
  readonly key: Uint8Array;
  /** null: proven absent. */
  readonly value: Uint8Array | null;
}

/**
 * @param expectedKey what the caller asked about. Without it the caller looks at `key` in the result: a proof of
 * absence is also one for every other key that would lie in the same empty place.
 */
export function verifyStateProof(
  crypto: CryptoProvider,
  input: Uint8Array,
  genesisHash: Uint8Array,
  expectedKey?: Uint8Array,
): StateFacts | Refusal {
  const file = decodeAs(stateProofSchema, input);
  if ('code' in file) return file;
  const trusted = verifyAnchor(crypto, file, genesisHash);
  if ('code' in trusted) return trusted;
  const { key, value, path: statePath } = file.entry;
  if (expectedKey !== undefined && !equal(key, expectedKey))
    return refusal('PROOF_INCLUSION', 'it is about another key');
  return holdsInState(crypto, trusted, key, value, statePath)
    ? { trusted, key, value }
    : refusal('PROOF_INCLUSION', 'not in the state');
}

/** What identifies one signed transaction to an expiry certificate. */
export interface ExpiringTransaction {
  readonly sender: Uint8Array;
  readonly nonce: Uint8Array;
  readonly expiry: number;
}

export interface ExpiryFacts {
  readonly trusted: TrustedHeader;
  readonly certificate: ExpiryCertificate;
}

/** @param expected the caller's own transaction. Without it the caller compares the result with that itself. */
export function verifyExpiryCertificate(
  crypto: CryptoProvider,
  input: Uint8Array,
  genesisHash: Uint8Array,
  expected?: ExpiringTransaction,
): ExpiryFacts | Refusal {
  const file = decodeAs(expirySchema, input);
  if ('code' in file) return file;
  const trusted = verifyAnchor(crypto, file, genesisHash);
  if ('code' in trusted) return trusted;
  return expiryRefusal(crypto, file, trusted, expected) ?? { trusted, certificate: file };
}

function expiryRefusal(
  crypto: CryptoProvider,
  file: ExpiryCertificate,
  trusted: TrustedHeader,
  expected: ExpiringTransaction | undefined,
): Refusal | null {
  const { sender, nonce: own, expiry, prunedThrough: pruned } = file;
  if (expected !== undefined && !isOf(file, expected)) {
    return refusal('PROOF_NOT_EXPIRED', 'it is about another transaction');
  }
  if (trusted.header.height < expiry) return refusal('PROOF_NOT_EXPIRED', 'the header is below the expiry height');
  const prunedValue = pruned === null ? null : encode(pruned);
  if (!holdsInState(crypto, trusted, stateKey.prunedThrough(), prunedValue, file.prunedThroughPath)) {
    return refusal('PROOF_INCLUSION', 'prunedThrough is not as stated');
  }
  if (pruned !== null && pruned >= expiry) {
    return refusal('PROOF_NOT_EXPIRED', 'nonces of that expiry have been removed already');
  }
  const key = stateKey.transaction(transactionStem(crypto, { sender, nonce: own }));
  const absent = holdsInState(crypto, trusted, key, null, file.absence);
  return absent ? null : refusal('PROOF_INCLUSION', 'the nonce is not absent');
}

function isOf(file: ExpiryCertificate, expected: ExpiringTransaction): boolean {
  const { sender, nonce: own, expiry } = file;
  return equal(sender, expected.sender) && equal(own, expected.nonce) && expiry === expected.expiry;
}
