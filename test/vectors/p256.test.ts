import { p256 } from '@noble/curves/nist.js';
import { describe, expect, test } from 'vitest';
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { fromHex, toHex, utf8 } from '../../node-core/codec/bytes.ts';
import { pureCrypto } from '../../node-core/crypto/pure.ts';
import { publicKeyOf, sign } from '../../node-core/crypto/suite-p256.ts';
import { loadVectors } from './load.ts';

const N = p256.Point.Fn.ORDER;

/** The valid cases of Wycheproof with s > n/2, as the rule finds them. */
// biome-ignore format: one number a line says no more
const HIGH_S = [
  64, 66, 67, 68, 71, 77, 78, 80, 81, 85, 86, 87, 94, 95, 96, 100, 102, 104, 105, 107, 110, 111, 114, 115, 117, 118,
  138, 139, 140, 141, 142, 171, 172, 175, 176, 177, 180, 183, 189, 190, 191, 192, 195, 196, 197, 199, 200, 204, 210,
  211, 216, 217, 226, 227, 229, 233, 234, 237, 240, 242, 243, 244, 246, 248, 249, 250, 252, 253, 257, 262,
];

interface Wycheproof {
  readonly numberOfTests: number;
  readonly testGroups: readonly {
    readonly publicKey: { readonly uncompressed: string };
    readonly tests: readonly WycheproofTest[];
  }[];
}

interface WycheproofTest {
  readonly tcId: number;
  readonly comment: string;
  readonly msg: string;
  readonly sig: string;
  readonly result: 'valid' | 'invalid' | 'acceptable';
}

describe('Wycheproof ecdsa_secp256r1_sha256_p1363', () => {
  const { numberOfTests, testGroups } = loadVectors<Wycheproof>('wycheproof/ecdsa_secp256r1_sha256_p1363_test.json');
  const cases = testGroups.flatMap(({ publicKey, tests }) =>
    tests.map((one) => ({ ...one, key: publicKey.uncompressed })),
  );

  /** Our one rule beyond FIPS 186-5, told from the bytes: s > n/2. */
  const isHighS = (sig: string): boolean => sig.length === 128 && 2n * BigInt(`0x${sig.slice(64)}`) > N;
  const highS = cases.filter(({ result, sig }) => result === 'valid' && isHighS(sig));

  test('is whole', () => {
    expect(cases.length).toBe(numberOfTests);
  });

  test('every answer is as published, but for valid signatures with high S, which are refused', () => {
    for (const { tcId, key, msg, sig, result } of cases) {
      const expected = result === 'valid' && !isHighS(sig);
      const publicKey = { suite: 'p256', bytes: fromHex(key) } as const;
      expect([tcId, pureCrypto.verify(publicKey, fromHex(msg), fromHex(sig))]).toEqual([tcId, expected]);
      expect([tcId, nativeCrypto.verify(publicKey, fromHex(msg), fromHex(sig))]).toEqual([tcId, expected]);
    }
  });

  test('the high-S refusals are these, and each is valid with s replaced by n − s', () => {
    expect(highS.map(({ tcId }) => tcId)).toEqual(HIGH_S);
    for (const { key, msg, sig } of highS) {
      const low = sig.slice(0, 64) + (N - BigInt(`0x${sig.slice(64)}`)).toString(16).padStart(64, '0');
      expect(pureCrypto.verify({ suite: 'p256', bytes: fromHex(key) }, fromHex(msg), fromHex(low))).toBe(true);
    }
  });
});

describe('RFC 6979 A.2.5', () => {
  const { secretKey, publicKey, cases } = loadVectors<{
    readonly secretKey: string;
    readonly publicKey: string;
    readonly cases: readonly { readonly message: string; readonly r: string; readonly s: string }[];
  }>('rfc6979/p256-sha256.json');

  test('the public key is that of the secret key', () => {
    expect(toHex(publicKeyOf(fromHex(secretKey)))).toBe(publicKey);
  });

  test.each(cases)('signs "$message" as published, with s made low', ({ message, r, s }) => {
    const low = 2n * BigInt(`0x${s}`) > N ? (N - BigInt(`0x${s}`)).toString(16).padStart(64, '0') : s;
    const signature = sign(fromHex(secretKey), utf8(message));
    expect(toHex(signature)).toBe(r + low);
    expect(nativeCrypto.verify({ suite: 'p256', bytes: fromHex(publicKey) }, utf8(message), signature)).toBe(true);
  });
});
