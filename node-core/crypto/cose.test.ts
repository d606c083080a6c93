import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { fromHex, toHex, utf8 } from '../codec/bytes.ts';
import { type CborKey, type CborValue, encode, Tag } from '../codec/cbor.ts';
import { CodecError, type CodecErrorKind } from '../codec/error.ts';
import { decodeSign1, encodeProtected, encodeSign1, signatureStructure, verifySign1 } from './cose.ts';
import { label } from './cose-labels.ts';
import { generateKeyPair } from './generate.ts';
import { coseAlgorithm } from './keys.ts';
import type { SuiteName } from './provider.ts';
import { pureCrypto } from './pure.ts';
import { SUITES } from './suites.ts';

const EMPTY = new Uint8Array(0);
const payload = utf8('content');
const SIGNATURE = new Uint8Array(64).fill(1);

function make(
  suite: SuiteName,
  header: readonly (readonly [CborKey, CborValue])[],
  aad: Uint8Array = EMPTY,
  unprotected = new Map(),
) {
  const { publicKey, secretKey } = generateKeyPair(suite, randomBytes);
  const protectedBytes = encodeProtected(new Map([[label.alg, coseAlgorithm(suite)], ...header]));
  const signature = SUITES[suite].sign(secretKey, signatureStructure(protectedBytes, payload, aad));
  return { publicKey, signature, sign1: decodeSign1(encodeSign1({ protectedBytes, unprotected, payload, signature })) };
}

describe.each(['p256', 'ed25519', 'sm2'] as const)('%s', (suite) => {
  test('signs and verifies a COSE_Sign1, bound to key, header, content and external data', () => {
    const { publicKey, sign1 } = make(suite, [[label.kid, utf8('k')]], utf8('aad'));
    const externalAad = utf8('aad');
    expect(verifySign1(pureCrypto, publicKey, sign1, { externalAad })).toBe(true);
    expect(verifySign1(pureCrypto, publicKey, sign1)).toBe(false);
    expect(verifySign1(pureCrypto, publicKey, { ...sign1, payload: utf8('other') }, { externalAad })).toBe(false);
    expect(verifySign1(pureCrypto, publicKey, { ...sign1, protectedBytes: EMPTY }, { externalAad })).toBe(false);
    expect(verifySign1(pureCrypto, generateKeyPair(suite, randomBytes).publicKey, sign1, { externalAad })).toBe(false);
  });
});

test('the protected algorithm must be that of the key', () => {
  const { publicKey, sign1 } = make('p256', []);
  const asEd25519 = { ...sign1, protectedHeader: new Map([[label.alg, coseAlgorithm('ed25519')]]) };
  expect(verifySign1(pureCrypto, publicKey, asEd25519)).toBe(false);
  expect(verifySign1(pureCrypto, publicKey, { ...sign1, protectedHeader: new Map() })).toBe(false);
});

test('critical labels must be protected, present and understood', () => {
  const chain: readonly [CborKey, CborValue] = [label.chain, EMPTY];
  const good = make('ed25519', [[label.crit, [label.chain]], chain]);
  expect(verifySign1(pureCrypto, good.publicKey, good.sign1, { understood: [label.chain] })).toBe(true);
  expect(verifySign1(pureCrypto, good.publicKey, good.sign1)).toBe(false);
  for (const crit of [[], [label.height], label.chain] as const) {
    const bad = make('ed25519', [[label.crit, crit as CborValue], chain]);
    expect(verifySign1(pureCrypto, bad.publicKey, bad.sign1, { understood: [label.chain, label.height] })).toBe(false);
  }
  const outside = make('ed25519', [chain], EMPTY, new Map([[label.crit, [label.chain]]]));
  expect(verifySign1(pureCrypto, outside.publicKey, outside.sign1, { understood: [label.chain] })).toBe(false);
});

test('detached content is given by the caller, and only then', () => {
  const { publicKey, sign1 } = make('ed25519', []);
  const detached = decodeSign1(encodeSign1({ ...sign1, payload: null }));
  expect(detached.payload).toBeNull();
  expect(verifySign1(pureCrypto, publicKey, detached, { detachedPayload: payload })).toBe(true);
  expect(verifySign1(pureCrypto, publicKey, detached)).toBe(false);
  expect(verifySign1(pureCrypto, publicKey, sign1, { detachedPayload: payload })).toBe(false);
});

test('the bytes are kept as they came, and shared', () => {
  const bytes = encodeSign1({ protectedBytes: fromHex('a10126'), payload, signature: SIGNATURE });
  const sign1 = decodeSign1(bytes);
  expect(sign1.bytes).toBe(bytes);
  expect(sign1.signature.buffer).toBe(bytes.buffer);
  expect(toHex(encodeSign1(sign1))).toBe(toHex(bytes));
});

describe('decodeSign1 refuses', () => {
  const map = new Map<CborKey, CborValue>();
  const alg = fromHex('a10126');
  const cases: readonly (readonly [string, CborValue, CodecErrorKind])[] = [
    ['no tag', [alg, map, payload, SIGNATURE], 'schema'],
    ['another tag', new Tag(17, [alg, map, payload, SIGNATURE]), 'schema'],
    ['three items', new Tag(18, [alg, map, payload]), 'schema'],
    ['five items', new Tag(18, [alg, map, payload, SIGNATURE, 0]), 'schema'],
    [
      'a protected map that is not in a byte string',
      new Tag(18, [new Map([[1, -7]]), map, payload, SIGNATURE]),
      'schema',
    ],
    ['a protected header that is no map', new Tag(18, [fromHex('80'), map, payload, SIGNATURE]), 'schema'],
    ["an empty map as h'a0'", new Tag(18, [fromHex('a0'), map, payload, SIGNATURE]), 'nonCanonical'],
    ['an unsorted protected header', new Tag(18, [fromHex('a204400126'), map, payload, SIGNATURE]), 'nonCanonical'],
    [
      'a long form in the protected header',
      new Tag(18, [fromHex('a1180126'), map, payload, SIGNATURE]),
      'nonCanonical',
    ],
    ['bytes after the protected header', new Tag(18, [fromHex('a1012600'), map, payload, SIGNATURE]), 'malformed'],
    ['a label in both headers', new Tag(18, [alg, new Map([[1, -7]]), payload, SIGNATURE]), 'malformed'],
    ['unprotected bytes', new Tag(18, [alg, EMPTY, payload, SIGNATURE]), 'schema'],
    ['a text payload', new Tag(18, [alg, map, 'content', SIGNATURE]), 'schema'],
    ['a signature of 63 bytes', new Tag(18, [alg, map, payload, SIGNATURE.subarray(1)]), 'schema'],
    ['no signature', new Tag(18, [alg, map, payload, null]), 'schema'],
  ];
  test.each(cases)('%s', (_, value, kind) => {
    expect(() => decodeSign1(encode(value))).toThrow(CodecError);
    expect(() => decodeSign1(encode(value))).toThrow(expect.objectContaining({ kind }));
  });

  test('more than the limits allow, inside the protected header too', () => {
    const bytes = encodeSign1({ protectedBytes: fromHex('a1018181818100'), payload, signature: SIGNATURE });
    expect(() => decodeSign1(bytes, { maxBytes: 1000, maxDepth: 4, maxItems: 100 })).toThrow(CodecError);
    expect(decodeSign1(bytes, { maxBytes: 1000, maxDepth: 5, maxItems: 100 }).protectedHeader.size).toBe(1);
  });
});

test('every byte of a signed message matters', () => {
  const { publicKey, sign1 } = make('ed25519', [[label.kid, utf8('k')]]);
  for (let i = 0; i < sign1.bytes.length; i++) {
    const changed = sign1.bytes.map((byte, j) => (i === j ? byte ^ 1 : byte));
    let valid = false;
    try {
      valid = verifySign1(pureCrypto, publicKey, decodeSign1(changed));
    } catch (error) {
      expect(error).toBeInstanceOf(CodecError);
    }
    expect([i, valid]).toEqual([i, false]);
  }
});
