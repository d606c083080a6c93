/**
 * Ed25519 (RFC 8032) verified by the rules of ZIP 215: the cofactored equation [8][S]B = [8]R + [8][k]A, S < L, and A
 * and R accepted in every encoding that decodes, non-canonical and of small order included. Every single and every
 * batch verifier that follows ZIP 215 gives the same answer for the same bytes; consensus needs nothing less.
 */
import { ed25519 } from '@noble/curves/ed25519.js';
import { badSecretKey, SECRET_KEY_BYTES, wellFormed } from './suite.ts';

const ZIP_215 = { zip215: true } as const;

export function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (!wellFormed('ed25519', publicKey, signature)) return false;
  return ed25519.verify(signature, message, publicKey, ZIP_215);
}

export function sign(secretKey: Uint8Array, message: Uint8Array): Uint8Array {
  if (!isSecretKey(secretKey)) return badSecretKey('ed25519');
  return ed25519.sign(message, secretKey);
}

export function publicKeyOf(secretKey: Uint8Array): Uint8Array {
  if (!isSecretKey(secretKey)) return badSecretKey('ed25519');
  return ed25519.getPublicKey(secretKey);
}

/** Any 32 bytes (RFC 8032 §5.1.5: they are a seed). */
export function isSecretKey(secretKey: Uint8Array): boolean {
  return secretKey.length === SECRET_KEY_BYTES;
}
