import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { toHex, utf8 } from '../codec/bytes.ts';
import { generateKeyPair } from './generate.ts';
import type { SuiteName } from './provider.ts';
import { pureCrypto } from './pure.ts';
import { sm3 } from './sm3.ts';
import { SM2_CURVE } from './suite-sm2.ts';
import { SUITES } from './suites.ts';

const MESSAGE = utf8('what is signed');

describe.each(Object.keys(SUITES) as SuiteName[])('%s', (suite) => {
  const { publicKey, secretKey } = generateKeyPair(suite, randomBytes);
  const signature = SUITES[suite].sign(secretKey, MESSAGE);

  test('verifies what it signs, and nothing else', () => {
    expect(pureCrypto.verify(publicKey, MESSAGE, signature)).toBe(true);
    expect(pureCrypto.verify(publicKey, utf8('what is signef'), signature)).toBe(false);
    const other = generateKeyPair(suite, randomBytes).publicKey;
    expect(pureCrypto.verify(other, MESSAGE, signature)).toBe(false);
  });

  test('signs the same message alike each time, and other messages otherwise', () => {
    expect(SUITES[suite].sign(secretKey, MESSAGE)).toEqual(signature);
    expect(SUITES[suite].sign(secretKey, utf8('x')).subarray(0, 32)).not.toEqual(signature.subarray(0, 32));
  });

  test('never throws on a signature or a key of another length or content', () => {
    for (let length = 0; length <= 130; length++) {
      if (length !== 64) expect(pureCrypto.verify(publicKey, MESSAGE, new Uint8Array(length))).toBe(false);
      if (length !== publicKey.bytes.length) {
        const key = { suite, bytes: new Uint8Array(length).fill(4) };
        expect(pureCrypto.verify(key, MESSAGE, signature)).toBe(false);
      }
    }
    for (const fill of [0, 0xff]) {
      const bytes = publicKey.bytes.map((byte, i) => (i === 0 ? byte : fill));
      expect(pureCrypto.verify({ suite, bytes }, MESSAGE, signature)).toBe(false);
      expect(pureCrypto.verify(publicKey, MESSAGE, new Uint8Array(64).fill(fill))).toBe(false);
    }
  });

  test('an error about a secret key does not hold it', () => {
    for (const bad of [secretKey.subarray(1), Uint8Array.of(...secretKey, 0), new Uint8Array(0)]) {
      for (const run of [() => SUITES[suite].sign(bad, MESSAGE), () => SUITES[suite].publicKeyOf(bad)]) {
        const error = thrownBy(run);
        expect(error).toBeInstanceOf(RangeError);
        expect(`${error.message} ${error.stack} ${error.cause}`).not.toContain(toHex(bad.subarray(0, 8)) || 'never');
      }
    }
  });
});

test.each(['p256', 'sm2'] as const)('%s: a point off the curve verifies nothing', (suite) => {
  const { publicKey, secretKey } = generateKeyPair(suite, randomBytes);
  const bytes = publicKey.bytes.slice();
  bytes[64]! ^= 1;
  expect(pureCrypto.verify({ suite, bytes }, MESSAGE, SUITES[suite].sign(secretKey, MESSAGE))).toBe(false);
});

test.each(['p256', 'sm2'] as const)('%s: other encodings of the same point are refused', (suite) => {
  const { publicKey, secretKey } = generateKeyPair(suite, randomBytes);
  const signature = SUITES[suite].sign(secretKey, MESSAGE);
  const odd = publicKey.bytes[64]! & 1;
  const compressed = Uint8Array.of(2 + odd, ...publicKey.bytes.subarray(1, 33));
  const hybrid = Uint8Array.of(6 + odd, ...publicKey.bytes.subarray(1));
  for (const bytes of [compressed, hybrid]) expect(pureCrypto.verify({ suite, bytes }, MESSAGE, signature)).toBe(false);
});

test('secret keys: zero and the group order are none; sm2 ends at n − 2', () => {
  const hexOf = (n: bigint): Uint8Array => Uint8Array.from(Buffer.from(n.toString(16).padStart(64, '0'), 'hex'));
  const { n } = SM2_CURVE;
  expect([0n, 1n, n - 2n, n - 1n, n].map((d) => SUITES.sm2.isSecretKey(hexOf(d)))).toEqual([
    false,
    true,
    true,
    false,
    false,
  ]);
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  expect([0n, 1n, order - 1n, order].map((d) => SUITES.p256.isSecretKey(hexOf(d)))).toEqual([false, true, true, false]);
});

test('generateKeyPair draws again for what is out of range, and gives up on a broken source', () => {
  const draws = [new Uint8Array(32), new Uint8Array(32).fill(0xff), new Uint8Array(32).fill(7)];
  expect(generateKeyPair('p256', () => draws.shift()!).secretKey).toEqual(new Uint8Array(32).fill(7));
  expect(() => generateKeyPair('sm2', () => new Uint8Array(32))).toThrow('no usable sm2 key');
  expect(() => generateKeyPair('ed25519', () => new Uint8Array(31))).toThrow('did not give 32 bytes');
});

test('SM3 in parts, and cloned half-way, gives the same digest', () => {
  const data = Uint8Array.from({ length: 1000 }, (_, i) => i);
  const whole = sm3(data);
  for (const cut of [0, 1, 63, 64, 65, 128, 999]) {
    const half = sm3.create().update(data.subarray(0, cut));
    const clone = half.clone();
    expect(half.update(data.subarray(cut)).digest()).toEqual(whole);
    expect(clone.update(data.subarray(cut)).digest()).toEqual(whole);
  }
});

function thrownBy(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('nothing was thrown');
}
