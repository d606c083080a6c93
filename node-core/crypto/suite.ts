/** What the three signature suites have in common, and the guards that each applies before anything else. */
import type { SuiteName } from './provider.ts';

export const SECRET_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;
export const PUBLIC_KEY_BYTES: Readonly<Record<SuiteName, number>> = { p256: 65, ed25519: 32, sm2: 65 };

export interface SignatureSuite {
  /** Never throws: malformed keys and signatures are simply not valid. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /** 64 bytes. @throws {RangeError} when the secret key is none of this suite; the error does not hold it. */
  sign(secretKey: Uint8Array, message: Uint8Array): Uint8Array;
  /** @throws {RangeError} as {@link sign} does. */
  publicKeyOf(secretKey: Uint8Array): Uint8Array;
}

/** Lengths first, so that no curve code sees a wrong one; 0x04 is the only point form that p256 and sm2 allow. */
export function wellFormed(suite: SuiteName, publicKey: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES || publicKey.length !== PUBLIC_KEY_BYTES[suite]) return false;
  return suite === 'ed25519' || publicKey[0] === 0x04;
}

/** Always the same words: what is wrong with a secret key is itself a secret. */
export function badSecretKey(suite: SuiteName): never {
  throw new RangeError(`not a secret key of suite ${suite} (${SECRET_KEY_BYTES} bytes in the range of the suite)`);
}
