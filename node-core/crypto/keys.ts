/** Public keys as they stand on chain and in COSE (RFC 9052 §7, RFC 9053 §7, RFC 9679). */
import { concat, equal, fromHex, toHex } from '../codec/bytes.ts';
import { type CborKey, type CborValue, encode } from '../codec/cbor.ts';
import { CodecError } from '../codec/error.ts';
import type { Schema } from '../codec/schema.ts';
import type { CryptoProvider, PublicKey, SuiteName } from './provider.ts';
import { PUBLIC_KEY_BYTES } from './suite.ts';

/** Suite codes on chain. CDDL: `public-key = [1, bstr .size 65] / [2, bstr .size 32] / [3, bstr .size 65]`. */
export const SUITE_CODES: Readonly<Record<SuiteName, number>> = { p256: 1, ed25519: 2, sm2: 3 };
const SUITE_OF_CODE: ReadonlyMap<CborValue, SuiteName> = new Map([
  [1, 'p256'],
  [2, 'ed25519'],
  [3, 'sm2'],
]);

/**
 * [suite code, key bytes]. It looks at form (code, length, 0x04) and refuses points of small order: whether the bytes
 * are a point of the curve at all is cryptography, and a key that is none never verifies anything.
 */
export const publicKey: Schema<PublicKey> = {
  decode: (value, path) => {
    if (!Array.isArray(value) || value.length !== 2) throw new CodecError('schema', 'not [suite, key]', path);
    const suite = SUITE_OF_CODE.get(value[0]);
    if (suite === undefined) throw new CodecError('schema', 'no known suite', `${path}[0]`);
    return { suite, bytes: checkedBytes(suite, value[1], `${path}[1]`) };
  },
  encode: (key) => [SUITE_CODES[key.suite], checkedBytes(key.suite, key.bytes, '')],
};

/**
 * The y coordinates, little-endian, of the points of order 1, 2, 4 and 8, with the two non-canonical ones below 2^255.
 * Under ZIP 215 anybody can sign for such a key.
 */
const SMALL_ORDER_Y = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

function isSmallOrder(key: Uint8Array): boolean {
  const y = key.slice();
  y[31]! &= 0x7f;
  return SMALL_ORDER_Y.has(toHex(y));
}

function checkedBytes(suite: SuiteName, bytes: CborValue | undefined, path: string): Uint8Array {
  if (!(bytes instanceof Uint8Array)) throw new CodecError('schema', 'not a byte string', path);
  const length = PUBLIC_KEY_BYTES[suite];
  if (bytes.length !== length) throw new CodecError('schema', `a ${suite} key has ${length} bytes`, path);
  if (suite !== 'ed25519' && bytes[0] !== 0x04) throw new CodecError('schema', 'not an uncompressed point', path);
  if (suite === 'ed25519' && isSmallOrder(bytes)) throw new CodecError('schema', 'a point of small order', path);
  return bytes;
}

/**
 * COSE algorithm identifiers: ES256, EdDSA (RFC 9053 §2), and for SM2 one of the private-use range (below −65536),
 * since IANA has none.
 */
export function coseAlgorithm(suite: SuiteName): number {
  return { p256: -7, ed25519: -8, sm2: -65_537 }[suite];
}

export function suiteOfAlgorithm(algorithm: number): SuiteName | undefined {
  return algorithm === -7 ? 'p256' : algorithm === -8 ? 'ed25519' : algorithm === -65_537 ? 'sm2' : undefined;
}

const KTY_OKP = 1;
const KTY_EC2 = 2;
/** Labels of RFC 9052 §7.1 and RFC 9053 §7.1, §7.2. */
const KTY = 1;
const CRV = -1;
const X = -2;
const Y = -3;

/** COSE elliptic curves: P-256, Ed25519 (RFC 9053 table 18); SM2 in the private-use range. */
const CURVE: Readonly<Record<SuiteName, number>> = { p256: 1, ed25519: 6, sm2: -70_010 };

/**
 * Deterministic COSE_Key with the members that RFC 9679 §4 requires and no others: its SHA-256 is the key's
 * thumbprint. sm2: an EC2 key on the private-use curve −70010.
 */
export function coseKey(key: PublicKey): Uint8Array {
  const bytes = checkedBytes(key.suite, key.bytes, '');
  const members: [CborKey, CborValue][] =
    key.suite === 'ed25519'
      ? [
          [KTY, KTY_OKP],
          [CRV, CURVE.ed25519],
          [X, bytes],
        ]
      : [
          [KTY, KTY_EC2],
          [CRV, CURVE[key.suite]],
          [X, bytes.subarray(1, 33)],
          [Y, bytes.subarray(33)],
        ];
  return encode(new Map(members));
}

/** DER of a SubjectPublicKeyInfo up to the key: RFC 5480 §2, RFC 8410 §4, GB/T 35276 for sm2. */
const SPKI_START: Readonly<Record<SuiteName, string>> = {
  p256: '3059301306072a8648ce3d020106082a8648ce3d030107034200',
  ed25519: '302a300506032b6570032100',
  sm2: '3059301306072a8648ce3d020106082a811ccf5501822d034200',
};

/** SHA-256 of the key's SubjectPublicKeyInfo: what a node is known by whose TLS key it is. */
export function spkiHash(crypto: CryptoProvider, key: PublicKey): Uint8Array {
  return crypto.hash('sha-256', concat(fromHex(SPKI_START[key.suite]), key.bytes));
}

/**
 * The key in a SubjectPublicKeyInfo, in the one DER that {@link spkiHash} makes.
 * @throws {CodecError} for a key of another kind, or a compressed point.
 */
export function publicKeyOfSpki(spki: Uint8Array): PublicKey {
  for (const suite of Object.keys(SPKI_START) as SuiteName[]) {
    const start = fromHex(SPKI_START[suite]);
    if (!equal(spki.subarray(0, start.length), start)) continue;
    return { suite, bytes: checkedBytes(suite, spki.slice(start.length), '') };
  }
  throw new CodecError('schema', 'neither a P-256, an Ed25519 nor an SM2 key', 'spki');
}

export function isSameKey(a: PublicKey, b: PublicKey): boolean {
  return a.suite === b.suite && equal(a.bytes, b.bytes);
}

/** Bytes of a `kid` in this protocol. */
export const KEY_ID_BYTES = 16;

/** The `kid` of a key: the first 16 bytes of its RFC 9679 thumbprint with SHA-256 (every suite). */
export function keyId(crypto: CryptoProvider, key: PublicKey): Uint8Array {
  return crypto.hash('sha-256', coseKey(key)).slice(0, KEY_ID_BYTES);
}
