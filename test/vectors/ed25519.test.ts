import { describe, expect, test } from 'vitest';
import { acceptedBySodium } from '../../adapters/crypto-native/ed25519.ts';
import { nativeCrypto, nativeSigner } from '../../adapters/crypto-native/native.ts';
import { fromHex, toHex, utf8 } from '../../node-core/codec/bytes.ts';
import { pureCrypto } from '../../node-core/crypto/pure.ts';
import { publicKeyOf, sign } from '../../node-core/crypto/suite-ed25519.ts';
import { loadVectors } from './load.ts';

/** The answer of both providers, which must be one; and sodium's yes must be among them. */
function verify(publicKey: string, message: Uint8Array, signature: string): boolean {
  const key = { suite: 'ed25519', bytes: fromHex(publicKey) } as const;
  const bytes = fromHex(signature);
  const answer = pureCrypto.verify(key, message, bytes);
  expect(nativeCrypto.verify(key, message, bytes)).toBe(answer);
  if (bytes.length === 64 && acceptedBySodium(key.bytes, message, bytes)) expect(answer).toBe(true);
  return answer;
}

describe('RFC 8032 §7.1', () => {
  interface Case {
    readonly name: string;
    readonly secretKey: string;
    readonly publicKey: string;
    readonly message: string;
    readonly signature: string;
  }
  test.each(loadVectors<readonly Case[]>('rfc8032/ed25519.json'))('TEST $name', (vector) => {
    const [secretKey, message] = [fromHex(vector.secretKey), fromHex(vector.message)];
    expect(toHex(publicKeyOf(secretKey))).toBe(vector.publicKey);
    expect(toHex(sign(secretKey, message))).toBe(vector.signature);
    expect(toHex(nativeSigner('ed25519', secretKey)(message))).toBe(vector.signature);
    expect(verify(vector.publicKey, message, vector.signature)).toBe(true);
  });
});

/**
 * Wycheproof judges by RFC 8032 with canonical encodings; ZIP 215 is wider. All the cases that Wycheproof calls invalid
 * and we accept, with the reason.
 */
const WYCHEPROOF_ACCEPTED_BY_ZIP_215: Readonly<Record<number, string>> = {
  151: 'R is y = 1 with the sign bit of x set, though x = 0: not canonical, accepted as the neutral point (ZIP 215)',
};

describe('Wycheproof ed25519', () => {
  interface Group {
    readonly publicKey: { readonly pk: string };
    readonly tests: readonly {
      readonly tcId: number;
      readonly msg: string;
      readonly sig: string;
      readonly result: string;
    }[];
  }
  const { numberOfTests, testGroups } = loadVectors<{
    readonly numberOfTests: number;
    readonly testGroups: readonly Group[];
  }>('wycheproof/ed25519_test.json');
  const cases = testGroups.flatMap(({ publicKey, tests }) => tests.map((one) => ({ ...one, key: publicKey.pk })));

  test('is whole', () => {
    expect(cases.length).toBe(numberOfTests);
  });

  test('every answer is as published, but for those that ZIP 215 accepts by rule', () => {
    for (const { tcId, key, msg, sig, result } of cases) {
      const expected = result === 'valid' || tcId in WYCHEPROOF_ACCEPTED_BY_ZIP_215;
      expect([tcId, verify(key, fromHex(msg), sig)]).toEqual([tcId, expected]);
    }
  });
});

describe('ZIP 215: points of small order', () => {
  const { message, scalar, canonical, nonCanonical } = loadVectors<{
    readonly message: string;
    readonly scalar: string;
    readonly canonical: readonly string[];
    readonly nonCanonical: readonly string[];
  }>('zip215/small-order-encodings.json');
  const encodings = [...canonical, ...nonCanonical];
  const cases = encodings.flatMap((a) => encodings.map((r) => ({ a, r })));

  test('all 196 pairs of A and R verify', () => {
    expect(cases.length).toBe(196);
    for (const { a, r } of cases) expect([a, r, verify(a, utf8(message), r + scalar)]).toEqual([a, r, true]);
  });

  test('libsodium alone refuses them all: the second judgement is what accepts them', () => {
    const accepted = cases.filter(({ a, r }) => acceptedBySodium(fromHex(a), utf8(message), fromHex(r + scalar)));
    expect(accepted).toEqual([]);
  });
});

describe('Taming the many EdDSAs (ePrint 2020/1244), table 6', () => {
  interface Case {
    readonly number: number;
    readonly message: string;
    readonly publicKey: string;
    readonly signature: string;
  }
  /** The paper's column for Zebra, the implementation of ZIP 215: why each is as it is. */
  const EXPECTED = [
    [true, 'A and R of small order, S = 0'],
    [true, 'A of small order'],
    [true, 'R of small order'],
    [true, 'A and R of mixed order, cofactorless equation holds too'],
    [true, 'A of mixed order, only the cofactored equation holds'],
    [true, 'A of mixed order, holds only if [8] is applied after k is reduced'],
    [false, 'S > L'],
    [false, 'S ≫ L'],
    [false, 'R not canonical, hashed in its reduced form'],
    [true, 'R not canonical, hashed as it stands'],
    [true, 'A not canonical, hashed in its reduced form'],
    [true, 'A not canonical, hashed as it stands'],
  ] as const;

  test.each(loadVectors<readonly Case[]>('taming-the-many-eddsas/cases.json'))('vector $number', (vector) => {
    const [expected, why] = EXPECTED[vector.number]!;
    expect([why, verify(vector.publicKey, fromHex(vector.message), vector.signature)]).toEqual([why, expected]);
  });
});
