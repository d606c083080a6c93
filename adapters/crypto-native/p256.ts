/** P-256 by OpenSSL. Equal to node-core/crypto/suite-p256.ts in what it accepts (tests hold it to that). */
import {
  createECDH,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign as nodeSign,
  verify as nodeVerify,
} from 'node:crypto';
import { withLowS } from '../../node-core/crypto/ecdsa-signature.ts';
import { badSecretKey, wellFormed } from '../../node-core/crypto/suite.ts';
import { isSecretKey, P256_MAX_LOW_S } from '../../node-core/crypto/suite-p256.ts';
import { KeyCache } from './key-cache.ts';

const CACHED_KEYS = 4096;

/** SubjectPublicKeyInfo of id-ecPublicKey, prime256v1, up to the 65 bytes of the point (RFC 5480 §2). */
const SPKI_PREFIX = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');

/** Null for bytes that are no point of the curve; OpenSSL checks that on import. */
const publicKeys = new KeyCache<KeyObject | null>(CACHED_KEYS, (bytes) => {
  try {
    return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, bytes]), format: 'der', type: 'spki' });
  } catch {
    return null;
  }
});

const MAX_LOW_S = Buffer.from(P256_MAX_LOW_S.toString(16).padStart(64, '0'), 'hex');

export function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (!wellFormed('p256', publicKey, signature) || !hasLowS(signature)) return false;
  const key = publicKeys.get(publicKey);
  return key !== null && nodeVerify('sha256', message, key, toDer(signature));
}

/** Ecdsa-Sig-Value (RFC 3279 §2.2.3) of r ‖ s. Node's own conversion (dsaEncoding) costs 27 µs of 97, this one 1. */
export function toDer(signature: Uint8Array): Uint8Array {
  const r = derInteger(signature.subarray(0, 32));
  const s = derInteger(signature.subarray(32));
  const out = new Uint8Array(2 + r.length + s.length);
  out[0] = 0x30;
  out[1] = r.length + s.length;
  out.set(r, 2);
  out.set(s, 2 + r.length);
  return out;
}

/** Shortest form, with a zero byte in front where the first bit would say minus. */
function derInteger(number: Uint8Array): Uint8Array {
  let start = 0;
  while (start < number.length - 1 && number[start] === 0) start++;
  const sign = number[start]! > 0x7f ? 1 : 0;
  const length = number.length - start + sign;
  const out = new Uint8Array(2 + length);
  out[0] = 0x02;
  out[1] = length;
  out.set(number.subarray(start), 2 + sign);
  return out;
}

/** Random nonces (OpenSSL's), S made low. The secret is imported once: keep the function that this returns. */
export function signerOf(secretKey: Uint8Array): (message: Uint8Array) => Uint8Array {
  if (!isSecretKey(secretKey)) return badSecretKey('p256');
  const key = importSecretKey(secretKey);
  return (message) => {
    const signature = Uint8Array.from(nodeSign('sha256', message, { key, dsaEncoding: 'ieee-p1363' }));
    return withLowS(signature);
  };
}

/** The first one of noble takes 100 ms of tables, which every start of a node would pay. @throws {RangeError} */
export function publicKeyOf(secretKey: Uint8Array): Uint8Array {
  if (!isSecretKey(secretKey)) return badSecretKey('p256');
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(secretKey);
  return Uint8Array.from(ecdh.getPublicKey());
}

function importSecretKey(secretKey: Uint8Array): KeyObject {
  const publicKey = publicKeyOf(secretKey);
  const text = (part: Uint8Array): string => Buffer.from(part).toString('base64url');
  const point = { x: text(publicKey.subarray(1, 33)), y: text(publicKey.subarray(33)) };
  try {
    return createPrivateKey({ key: { kty: 'EC', crv: 'P-256', ...point, d: text(secretKey) }, format: 'jwk' });
  } catch {
    return badSecretKey('p256'); // Not the cause: it might hold what was imported.
  }
}

function hasLowS(signature: Uint8Array): boolean {
  return MAX_LOW_S.compare(signature, 32, 64) >= 0;
}
