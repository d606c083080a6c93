/**
 * SM2 signatures with SM3 (GB/T 32918.2-2016, GM/T 0003.2; curve of GB/T 32918.5-2017), 64-byte r ‖ s. Signed is
 * e = SM3(Z_A ‖ M), where Z_A binds the standard user ID 1234567812345678 (GM/T 0009 §10), the curve and the key.
 *
 * Malleability: there is no low-S rule, because none is needed. ECDSA's (r, −s) verifies since only the x of the
 * point counts and −s gives the opposite point. Here t = r + s also weighs the key: (r, s') with s' ≠ s verifies
 * only if [s']G + [r + s']P = ±([s]G + [t]P), which for the minus sign means s' = −s − 2rd/(1 + d) and thus takes the
 * secret key d. r and s are refused outside [1, n − 1], so r + n is no second form either. As with any signature, the
 * holder of the key itself can make many for one message.
 */
import { weierstrass } from '@noble/curves/abstract/weierstrass.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { concat, fromHex, utf8 } from '../codec/bytes.ts';
import { sm3 } from './sm3.ts';
import { badSecretKey, SECRET_KEY_BYTES, SIGNATURE_BYTES, wellFormed } from './suite.ts';

/** GB/T 32918.5-2017 §A: the recommended 256-bit curve. */
export const SM2_CURVE = {
  p: 0xfffffffe_ffffffff_ffffffff_ffffffff_ffffffff_00000000_ffffffff_ffffffffn,
  a: 0xfffffffe_ffffffff_ffffffff_ffffffff_ffffffff_00000000_ffffffff_fffffffcn,
  b: 0x28e9fa9e_9d9f5e34_4d5a9e4b_cf6509a7_f39789f5_15ab8f92_ddbcbd41_4d940e93n,
  n: 0xfffffffe_ffffffff_ffffffff_ffffffff_7203df6b_21c6052b_53bbf409_39d54123n,
  h: 1n,
  Gx: 0x32c4ae2c_1f198119_5f990446_6a39c994_8fe30bbf_f2660be1_715a4589_334c74c7n,
  Gy: 0xbc3736a2_f4f6779c_59bdcee3_6b692153_d0a9877c_c62a4740_02df32e5_2139f0a0n,
} as const;

const Point = weierstrass(SM2_CURVE);
const Fn = Point.Fn;
const { n } = SM2_CURVE;

const USER_ID = utf8('1234567812345678');

/** ENTL_A ‖ ID_A ‖ a ‖ b ‖ x_G ‖ y_G (§5.5): all of Z_A's input but the key. */
const Z_PREFIX = concat(
  Uint8Array.of(0, USER_ID.length * 8),
  USER_ID,
  ...[SM2_CURVE.a, SM2_CURVE.b, SM2_CURVE.Gx, SM2_CURVE.Gy].map((v) => fromHex(v.toString(16).padStart(64, '0'))),
);

/** e = SM3(Z_A ‖ M) as 32 bytes, Z_A = SM3(prefix ‖ x_A ‖ y_A) for the 65-byte key 04 ‖ x_A ‖ y_A. */
export function messageDigest(publicKey: Uint8Array, message: Uint8Array): Uint8Array {
  const za = sm3.create().update(Z_PREFIX).update(publicKey.subarray(1)).digest();
  return sm3.create().update(za).update(message).digest();
}

/** §7.1, steps B1 to B7. */
export function verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (!wellFormed('sm2', publicKey, signature)) return false;
  const r = toNumber(signature.subarray(0, 32));
  const s = toNumber(signature.subarray(32));
  if (r === 0n || r >= n || s === 0n || s >= n) return false;
  const t = Fn.add(r, s);
  const key = pointOf(publicKey);
  if (t === 0n || key === null) return false;
  const point = Point.BASE.mulAddUnsafe(s, key, t);
  if (point.is0()) return false;
  return Fn.create(toNumber(messageDigest(publicKey, message)) + point.toAffine().x) === r;
}

/** §6.1, steps A1 to A7, with a nonce that depends on key and message instead of luck. */
export function sign(secretKey: Uint8Array, message: Uint8Array): Uint8Array {
  if (!isSecretKey(secretKey)) return badSecretKey('sm2');
  const d = toNumber(secretKey);
  const digest = messageDigest(publicKeyOf(secretKey), message);
  const e = toNumber(digest);
  const factor = Fn.inv(Fn.add(1n, d));
  for (let attempt = 0; ; attempt++) {
    const k = nonce(secretKey, digest, attempt);
    const r = Fn.create(e + Point.BASE.multiply(k).toAffine().x);
    if (r === 0n || r + k === n) continue;
    const s = Fn.mul(factor, Fn.sub(k, Fn.mul(r, d)));
    if (s === 0n) continue;
    const signature = new Uint8Array(SIGNATURE_BYTES);
    signature.set(Fn.toBytes(r));
    signature.set(Fn.toBytes(s), 32);
    return signature;
  }
}

export function publicKeyOf(secretKey: Uint8Array): Uint8Array {
  if (!isSecretKey(secretKey)) return badSecretKey('sm2');
  return Point.BASE.multiply(toNumber(secretKey)).toBytes(false);
}

/** 32 bytes that say a number from 1 to n − 2 (GB/T 32918.1 §6.1: 1 + d must have an inverse). */
export function isSecretKey(secretKey: Uint8Array): boolean {
  if (secretKey.length !== SECRET_KEY_BYTES) return false;
  const d = toNumber(secretKey);
  return d >= 1n && d <= n - 2n;
}

/**
 * Deterministic nonce in the spirit of RFC 6979: HMAC keyed with the secret key over the digest. SM2 standardises no
 * derivation; 512 bits reduced modulo n − 1 leave a bias of 2^−256. The label keeps it apart from any other HMAC use.
 */
function nonce(secretKey: Uint8Array, digest: Uint8Array, attempt: number): bigint {
  const wide = hmac(sha512, secretKey, concat(utf8('BROP SM2 nonce'), Uint8Array.of(attempt), digest));
  return (toNumber(wide) % (n - 1n)) + 1n;
}

function pointOf(publicKey: Uint8Array): InstanceType<typeof Point> | null {
  try {
    return Point.fromBytes(publicKey);
  } catch {
    return null;
  }
}

function toNumber(bytes: Uint8Array): bigint {
  let hex = '0x';
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0');
  return BigInt(hex);
}
