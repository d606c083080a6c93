/**
 * ECDSA on NIST P-256 with SHA-256 (FIPS 186-5), 64-byte r ‖ s. Only low S (s ≤ n/2) is valid: of the two signatures
 * (r, s) and (r, n − s) that anyone can turn into each other, one form is left, and the bytes of a signed thing cannot
 * be changed in transit. Public keys are 65 bytes, uncompressed, and must be a point of the curve (SEC 1 §3.2.2.1).
 */
import { p256 } from '@noble/curves/nist.js';
import { badSecretKey, SECRET_KEY_BYTES, wellFormed } from './suite.ts';

const OPTIONS = { prehash: true, lowS: true, format: 'compact' } as const;

/** (n − 1) / 2, the largest s that is low. */
export const P256_MAX_LOW_S = (p256.Point.Fn.ORDER - 1n) / 2n;

export function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (!wellFormed('p256', publicKey, signature)) return false;
  return p256.verify(signature, message, publicKey, OPTIONS);
}

/** Deterministic (RFC 6979), then S made low. */
export function sign(secretKey: Uint8Array, message: Uint8Array): Uint8Array {
  if (!isSecretKey(secretKey)) return badSecretKey('p256');
  return p256.sign(message, secretKey, { ...OPTIONS, extraEntropy: false });
}

export function publicKeyOf(secretKey: Uint8Array): Uint8Array {
  if (!isSecretKey(secretKey)) return badSecretKey('p256');
  return p256.getPublicKey(secretKey, false);
}

/** 32 bytes that say a number from 1 to n − 1. */
export function isSecretKey(secretKey: Uint8Array): boolean {
  return secretKey.length === SECRET_KEY_BYTES && p256.utils.isValidSecretKey(secretKey);
}
