import { ecdsaInOneForm } from '../../node-core/crypto/ecdsa-signature.ts';
import type { SuiteName } from '../../node-core/crypto/provider.ts';
import { SIGNATURE_BYTES } from '../../node-core/crypto/suite.ts';
import { ProblemError } from '../problem.ts';

/** The longest ECDSA signature in DER on a curve of 256 bits. */
export const MAX_SIGNATURE_BYTES = 72;

/**
 * A signature that comes beside what it signs, in the one form that BROP takes. For P-256 tools give DER or r ‖ s, and
 * either value of S: any of them will do.
 * @param suite undefined where it cannot be told; then the signature is left as it is.
 * @throws {ProblemError} 400
 */
export function inOneForm(signature: Uint8Array, suite: SuiteName | undefined): Uint8Array {
  try {
    if (suite !== 'p256' && signature.length === SIGNATURE_BYTES) return signature;
    return ecdsaInOneForm(signature);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new ProblemError('BAD_REQUEST', { detail: 'signature: neither 64 bytes nor ECDSA in DER', cause });
  }
}
