import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { ED25519_TORSION_SUBGROUP, ed25519 } from '@noble/curves/ed25519.js';
import { describe, expect, test } from 'vitest';
import { loadVectors } from '../../test/vectors/load.ts';
import { fromHex, toHex } from '../codec/bytes.ts';
import { type CborValue, decode, encode } from '../codec/cbor.ts';
import { CodecError } from '../codec/error.ts';
import { generateKeyPair } from './generate.ts';
import { coseAlgorithm, coseKey, keyId, publicKey, spkiHash, suiteOfAlgorithm } from './keys.ts';
import type { PublicKey, SuiteName } from './provider.ts';
import { pureCrypto } from './pure.ts';

const SUITES: readonly SuiteName[] = ['p256', 'ed25519', 'sm2'];

test('RFC 9679 §5.6: COSE_Key and thumbprint of the example', () => {
  const vector = loadVectors<Readonly<Record<string, string>>>('rfc9679/thumbprint.json');
  const key: PublicKey = { suite: 'p256', bytes: fromHex(vector.publicKey!) };
  expect(toHex(coseKey(key))).toBe(vector.coseKey);
  expect(toHex(pureCrypto.hash('sha-256', coseKey(key)))).toBe(vector.sha256Thumbprint);
  expect(toHex(keyId(pureCrypto, key))).toBe(vector.sha256Thumbprint!.slice(0, 32));
});

test.each([
  ['p256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
  ['ed25519', generateKeyPairSync('ed25519')],
  ['sm2', generateKeyPairSync('ec', { namedCurve: 'SM2' })],
] as const)('%s: the hash of the SPKI is that of OpenSSL', (suite, pair) => {
  const spki = pair.publicKey.export({ type: 'spki', format: 'der' });
  const bytes = new Uint8Array(spki.subarray(suite === 'ed25519' ? -32 : -65));
  expect(toHex(spkiHash(pureCrypto, { suite, bytes }))).toBe(createHash('sha256').update(spki).digest('hex'));
});

describe.each(SUITES)('%s', (suite) => {
  const key = generateKeyPair(suite, randomBytes).publicKey;

  test('a public key goes through CBOR unchanged', () => {
    expect(publicKey.decode(decode(encode(publicKey.encode(key))), '')).toEqual(key);
  });

  test('a key of another length or form is refused', () => {
    const [code, bytes] = publicKey.encode(key) as readonly [number, Uint8Array];
    const wrong: readonly CborValue[] = [
      [code, bytes.subarray(1)],
      [code, new Uint8Array(bytes.length + 1)],
      [code, toHex(bytes)],
      [4, bytes],
      [code],
      [code, bytes, 0],
      [BigInt(code), bytes],
      bytes,
    ];
    for (const value of wrong) expect(() => publicKey.decode(value, 'key')).toThrow(CodecError);
    if (suite !== 'ed25519') {
      const compressed = Uint8Array.of(0x06, ...bytes.subarray(1));
      expect(() => publicKey.decode([code, compressed], 'key')).toThrow('uncompressed');
    }
  });

  test('its COSE algorithm leads back to the suite', () => {
    expect(suiteOfAlgorithm(coseAlgorithm(suite))).toBe(suite);
  });
});

test('the same bytes as p256 and as sm2 are two keys', () => {
  const { bytes } = generateKeyPair('p256', randomBytes).publicKey;
  expect(keyId(pureCrypto, { suite: 'p256', bytes })).not.toEqual(keyId(pureCrypto, { suite: 'sm2', bytes }));
});

test('algorithms are as documented, and no others are known', () => {
  expect(SUITES.map(coseAlgorithm)).toEqual([-7, -8, -65_537]);
  for (const algorithm of [0, 1, -6, -19, -35, -65_536, 2]) expect(suiteOfAlgorithm(algorithm)).toBeUndefined();
});

describe('Ed25519 keys for which anybody can sign', () => {
  const { Point } = ed25519;
  const torsion = ED25519_TORSION_SUBGROUP.map((hex) => Point.fromHex(hex, true));

  test('every point of small order is refused, in each of its encodings', () => {
    expect(torsion).toHaveLength(8);
    for (const point of torsion) {
      expect(point.isSmallOrder()).toBe(true);
      const encoded = point.toBytes();
      for (const sign of [0x00, 0x80]) {
        const bytes = encoded.slice();
        bytes[31] = (bytes[31]! & 0x7f) | sign;
        expect(() => publicKey.decode([2, bytes], 'key'), toHex(bytes)).toThrow('small order');
      }
    }
    for (const y of ['ed', 'ee']) {
      expect(() => publicKey.decode([2, fromHex(`${y}${'ff'.repeat(30)}7f`)], 'key')).toThrow('small order');
    }
  });

  test('ordinary keys are not', () => {
    expect(publicKey.decode([2, Point.BASE.toBytes()], 'key').suite).toBe('ed25519');
  });
});
