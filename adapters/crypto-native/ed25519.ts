/**
 * Ed25519 by libsodium. libsodium accepts less than ZIP 215 does (it refuses points of small order and encodings that
 * are not canonical), and what it accepts, ZIP 215 accepts: so its yes is final, and its no is judged again by noble.
 */
import sodium from 'sodium-native';
import { badSecretKey, SIGNATURE_BYTES, wellFormed } from '../../node-core/crypto/suite.ts';
import { isSecretKey, verify as verifyZip215 } from '../../node-core/crypto/suite-ed25519.ts';

/** L of RFC 8032 §5.1, little-endian: S must be below it. */
const GROUP_ORDER = Buffer.from('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010', 'hex');

export function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (!wellFormed('ed25519', publicKey, signature)) return false;
  if (acceptedBySodium(publicKey, message, signature)) return true;
  return scalarInRange(signature) && verifyZip215(publicKey, message, signature);
}

/** Exported for the test that holds a native yes to imply a yes of ZIP 215. */
export function acceptedBySodium(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  return sodium.crypto_sign_verify_detached(signature, message, publicKey);
}

/** Spares noble's millisecond for what both refuse anyway. */
function scalarInRange(signature: Uint8Array): boolean {
  for (let i = 31; i >= 0; i--) {
    const difference = signature[32 + i]! - GROUP_ORDER[i]!;
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function expand(secretKey: Uint8Array): { readonly publicKey: Uint8Array; readonly expanded: Buffer } {
  if (!isSecretKey(secretKey)) return badSecretKey('ed25519');
  const publicKey = new Uint8Array(sodium.crypto_sign_PUBLICKEYBYTES);
  const expanded = Buffer.alloc(sodium.crypto_sign_SECRETKEYBYTES);
  sodium.crypto_sign_seed_keypair(publicKey, expanded, Buffer.from(secretKey));
  return { publicKey, expanded };
}

export function publicKeyOf(secretKey: Uint8Array): Uint8Array {
  return expand(secretKey).publicKey;
}

export function signerOf(secretKey: Uint8Array): (message: Uint8Array) => Uint8Array {
  const { expanded } = expand(secretKey);
  return (message) => {
    const signature = new Uint8Array(SIGNATURE_BYTES);
    sodium.crypto_sign_detached(signature, message, expanded);
    return signature;
  };
}
