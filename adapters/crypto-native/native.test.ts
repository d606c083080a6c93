import { randomBytes } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat } from '../../node-core/codec/bytes.ts';
import { generateKeyPair } from '../../node-core/crypto/generate.ts';
import type { HashAlgorithm, PublicKey, SuiteName } from '../../node-core/crypto/provider.ts';
import { pureCrypto } from '../../node-core/crypto/pure.ts';
import { SUITES } from '../../node-core/crypto/suites.ts';
import { acceptedBySodium } from './ed25519.ts';
import { KeyCache } from './key-cache.ts';
import { nativeCrypto, nativePublicKey, nativeSigner } from './native.ts';
import { toDer } from './p256.ts';

const SUITE_NAMES = Object.keys(SUITES) as SuiteName[];

/** The one answer of both. */
function verify(key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
  const answer = pureCrypto.verify(key, message, signature);
  expect(nativeCrypto.verify(key, message, signature)).toBe(answer);
  return answer;
}

test.each(['sha-256', 'sm3', 'sha-512', 'sha3-256'] as const satisfies HashAlgorithm[])(
  '%s equals pure',
  (algorithm) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (data) => {
        const digest = nativeCrypto.hash(algorithm, data);
        expect(digest).toEqual(pureCrypto.hash(algorithm, data));
        expect(digest.constructor).toBe(Uint8Array);
      }),
    );
  },
);

describe.each(SUITE_NAMES)('%s', (suite) => {
  const seed = fc.uint8Array({ minLength: 32, maxLength: 32 }).filter((bytes) => SUITES[suite].isSecretKey(bytes));
  const message = fc.uint8Array({ maxLength: 200 });

  test('native and pure verify what either signs', () => {
    fc.assert(
      fc.property(seed, message, (secretKey, text) => {
        const key = { suite, bytes: SUITES[suite].publicKeyOf(secretKey) };
        expect(verify(key, text, SUITES[suite].sign(secretKey, text))).toBe(true);
        expect(verify(key, text, nativeSigner(suite, secretKey)(text))).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test('a secret key has the same public key, and what is no secret key has none', () => {
    fc.assert(
      fc.property(seed, (secretKey) => {
        expect(nativePublicKey(suite, secretKey)).toEqual(SUITES[suite].publicKeyOf(secretKey));
      }),
      { numRuns: 50 },
    );
    const outside = [
      new Uint8Array(31).fill(1),
      ...(suite === 'ed25519' ? [] : [0, 255].map((b) => new Uint8Array(32).fill(b))),
    ];
    for (const bytes of outside) expect(() => nativePublicKey(suite, bytes)).toThrow(/^not a secret key of suite/);
  });

  test('equals pure on signatures and keys with bytes changed', () => {
    const { publicKey, secretKey } = generateKeyPair(suite, randomBytes);
    const text = randomBytes(50);
    const signature = nativeSigner(suite, secretKey)(text);
    const change = fc.tuple(fc.nat(200), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(change, fc.constantFrom('key', 'signature', 'message'), ([at, flip], what) => {
        const changed = (bytes: Uint8Array, name: string): Uint8Array =>
          bytes.map((byte, i) => (name === what && i === at % bytes.length ? byte ^ flip : byte));
        verify(
          { suite, bytes: changed(publicKey.bytes, 'key') },
          changed(text, 'message'),
          changed(signature, 'signature'),
        );
      }),
      { numRuns: 300 },
    );
  });

  test('equals pure on random keys and signatures', () => {
    const length = SUITES[suite].publicKeyOf(randomBytes(32)).length;
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: length, maxLength: length }),
        fc.uint8Array({ minLength: 64, maxLength: 64 }),
        fc.boolean(),
        (bytes, signature, prefixed) => {
          if (prefixed) bytes[0] = 4;
          verify({ suite, bytes }, Uint8Array.of(1), signature);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('every wrong length of key and signature is refused, and nothing throws', () => {
    const { publicKey, secretKey } = generateKeyPair(suite, randomBytes);
    const text = randomBytes(9);
    const signature = nativeSigner(suite, secretKey)(text);
    const long = concat(publicKey.bytes, publicKey.bytes, publicKey.bytes);
    for (let length = 0; length <= 130; length++) {
      const cut = concat(signature, signature, signature).subarray(0, length);
      expect(verify(publicKey, text, cut)).toBe(length === 64);
      expect(verify({ suite, bytes: long.subarray(0, length) }, text, signature)).toBe(
        length === publicKey.bytes.length,
      );
    }
  });

  test('an error about a secret key does not hold it', () => {
    expect(() => nativeSigner(suite, new Uint8Array(31).fill(0xab))).toThrow(/^not a secret key of suite/);
  });
});

describe('p256', () => {
  const { publicKey, secretKey } = generateKeyPair('p256', randomBytes);

  test('signatures always have low S, and the high twin is refused', () => {
    const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const sign = nativeSigner('p256', secretKey);
    for (let i = 0; i < 40; i++) {
      const signature = sign(Uint8Array.of(i));
      expect(verify(publicKey, Uint8Array.of(i), signature)).toBe(true);
      const s = BigInt(`0x${Buffer.from(signature.subarray(32)).toString('hex')}`);
      const twin = concat(signature.subarray(0, 32), Buffer.from((n - s).toString(16).padStart(64, '0'), 'hex'));
      expect(verify(publicKey, Uint8Array.of(i), twin)).toBe(false);
    }
  });

  test('s at the border: (n − 1)/2 is low, (n + 1)/2 is high, by form alone equal to pure', () => {
    for (const s of [
      '7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8',
      '7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a9',
    ]) {
      verify(publicKey, Uint8Array.of(1), concat(new Uint8Array(32).fill(1), Buffer.from(s, 'hex')));
    }
  });

  test('r and s with leading zeros become the shortest DER', () => {
    const signature = new Uint8Array(64);
    signature.set([0x80, 1], 30);
    signature[63] = 5;
    expect(Buffer.from(toDer(signature)).toString('hex')).toBe('3008020300800102' + '0105');
    expect(Buffer.from(toDer(new Uint8Array(64))).toString('hex')).toBe('3006020100020100');
  });
});

test('ed25519: keys and nonces with a part of small order verify, though sodium refuses most of them', () => {
  const { Point } = ed25519;
  const torsion = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a');
  let refused = 0;
  for (let i = 0; i < 64; i++) {
    const [a, r] = [BigInt(2 * i + 3), BigInt(5 * i + 7)];
    const key = Point.BASE.multiply(a)
      .add(torsion.multiplyUnsafe(BigInt(i % 8)))
      .toBytes();
    const nonce = Point.BASE.multiply(r)
      .add(torsion.multiplyUnsafe(BigInt((i >> 3) % 8)))
      .toBytes();
    const message = Uint8Array.of(i);
    const hash = pureCrypto.hash('sha-512', concat(nonce, key, message));
    const k = BigInt(`0x${Buffer.from(hash).reverse().toString('hex')}`);
    const signature = concat(nonce, Point.Fn.toBytes(Point.Fn.create(r + k * a)));
    expect(verify({ suite: 'ed25519', bytes: key }, message, signature)).toBe(true);
    if (!acceptedBySodium(key, message, signature)) refused++;
  }
  expect(refused).toBeGreaterThan(30);
});

test('ed25519: what sodium accepts, ZIP 215 accepts', () => {
  const { publicKey, secretKey } = generateKeyPair('ed25519', randomBytes);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), fc.nat(63), fc.nat(255), (message, at, flip) => {
      const signature = nativeSigner('ed25519', secretKey)(message);
      signature[at]! ^= flip;
      if (acceptedBySodium(publicKey.bytes, message, signature)) {
        expect(pureCrypto.verify(publicKey, message, signature)).toBe(true);
      }
    }),
  );
});

test('the key cache keeps what was used last, within its bound', () => {
  const loaded: number[] = [];
  const cache = new KeyCache<number>(2, (key) => {
    loaded.push(key[0]!);
    return key[0]!;
  });
  for (const key of [1, 2, 1, 3, 1, 2]) expect(cache.get(Uint8Array.of(key))).toBe(key);
  expect(loaded).toEqual([1, 2, 3, 2]);
  expect(cache.size).toBe(2);
  expect(cache.get(Uint8Array.of(200))).toBe(200);
  expect(cache.get(Buffer.from([0, 200]).subarray(1))).toBe(200);
  expect(loaded.at(-1)).toBe(200);
});
