/** Transactions that are signed elsewhere: in another program, on another machine, by a person with a token. */
import { BropError } from '../node-core/chain/codes.ts';
import type { AccountId } from '../node-core/chain/identifiers.ts';
import { concat } from '../node-core/codec/bytes.ts';
import { ecdsaInOneForm } from '../node-core/crypto/ecdsa-signature.ts';
import type { CryptoProvider, PublicKey } from '../node-core/crypto/provider.ts';
import { SIGNATURE_BYTES } from '../node-core/crypto/suite.ts';
import type { SignedTransaction } from './errors.ts';

export interface PreparedTransaction {
  /** The exact bytes to sign; the suite of the key hashes them. */
  readonly message: Uint8Array;
  /** Whole, but for 64 zero bytes at its end in the place of the signature. */
  readonly unsigned: Uint8Array;
  /** Whose signature it wants, as the chain has it. */
  readonly key: PublicKey;
  readonly sender: AccountId;
  readonly nonce: Uint8Array;
  readonly expiry: number;
}

/**
 * The transaction with its signature, for `client.settle`.
 * @param signature 64 bytes, or for P-256 also ECDSA in DER; of the two values of S either.
 * @throws {BropError} SIGNATURE_INVALID when it is not that of the account's key over `message`.
 */
export function signedWith(
  crypto: CryptoProvider,
  { message, unsigned, key, sender, nonce, expiry }: PreparedTransaction,
  signature: Uint8Array,
): SignedTransaction {
  const inOneForm = key.suite === 'p256' ? orNothing(signature) : signature;
  if (!crypto.verify(key, message, inOneForm)) {
    throw new BropError('SIGNATURE_INVALID', `It is not of the account's key (${key.suite}) over the bytes to sign.`);
  }
  return { bytes: concat(unsigned.subarray(0, -SIGNATURE_BYTES), inOneForm), sender, nonce, expiry };
}

/** What is no signature at all does not verify either. */
function orNothing(signature: Uint8Array): Uint8Array {
  try {
    return ecdsaInOneForm(signature);
  } catch {
    return new Uint8Array(SIGNATURE_BYTES);
  }
}
