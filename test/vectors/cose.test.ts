import { describe, expect, test } from 'vitest';
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { concat, fromHex, toHex, utf8 } from '../../node-core/codec/bytes.ts';
import { CodecError, type CodecErrorKind } from '../../node-core/codec/error.ts';
import { decodeSign1, encodeSign1, signatureStructure, verifySign1 } from '../../node-core/crypto/cose.ts';
import type { PublicKey } from '../../node-core/crypto/provider.ts';
import { pureCrypto } from '../../node-core/crypto/pure.ts';
import { P256_MAX_LOW_S } from '../../node-core/crypto/suite-p256.ts';
import { listVectors, loadVectors } from './load.ts';

interface Example {
  readonly title: string;
  readonly input: {
    readonly plaintext: string;
    readonly sign0: { readonly key: Readonly<Record<string, string>>; readonly external?: string };
  };
  readonly intermediates: { readonly ToBeSign_hex: string };
  readonly output: { readonly cbor: string };
}

const FILES = ['sign1-tests', 'ecdsa-examples', 'eddsa-examples', 'RFC8152'].flatMap((folder) =>
  listVectors(`cose-wg-examples/${folder}`).map((file) => file.replace('cose-wg-examples/', '')),
);

/** Refused by the form alone: why the profile does not have it. */
const REFUSED: Readonly<Record<string, readonly [CodecErrorKind, string]>> = {
  'sign1-tests/sign-pass-01.json': ['nonCanonical', "an empty protected header as h'a0' where we demand h''"],
  'sign1-tests/sign-pass-03.json': ['schema', 'no tag 18'],
  'sign1-tests/sign-fail-01.json': ['schema', 'tag 998: meant to fail'],
  'ecdsa-examples/ecdsa-sig-02.json': ['schema', 'ES384 on P-384: the signature has 96 bytes'],
  'ecdsa-examples/ecdsa-sig-03.json': ['schema', 'ES512 on P-521: the signature has 132 bytes'],
  'eddsa-examples/eddsa-sig-02.json': ['schema', 'Ed448: the signature has 114 bytes'],
};

/** Decoded, and then not valid. */
const INVALID: Readonly<Record<string, string>> = {
  'sign1-tests/sign-fail-02.json': 'the payload was changed: meant to fail',
  'sign1-tests/sign-fail-03.json': 'alg −999: meant to fail',
  'sign1-tests/sign-fail-04.json': 'alg "unknown": meant to fail',
  'sign1-tests/sign-fail-06.json': 'a protected label was added: meant to fail',
  'sign1-tests/sign-fail-07.json': 'a protected label was removed: meant to fail',
  'ecdsa-examples/ecdsa-sig-01.json': 'high S (s > n/2), which our P-256 refuses; with n − s it is valid, see below',
  'ecdsa-examples/ecdsa-sig-04.json': 'ES512 with P-256: our P-256 goes with SHA-256 only',
};

const load = (file: string): Example => loadVectors<Example>(`cose-wg-examples/${file}`);

function keyOf({ input }: Example): PublicKey {
  const { kty, crv, x = '', y = '', x_hex: xHex } = input.sign0.key;
  if (kty === 'OKP') return { suite: 'ed25519', bytes: fromHex(xHex!) };
  expect(crv).toBe('P-256');
  return {
    suite: 'p256',
    bytes: Buffer.concat([Uint8Array.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]),
  };
}

test('the sixteen examples of COSE_Sign1 are there', () => {
  expect(FILES.length).toBe(16);
});

describe.each(FILES.filter((file) => file in REFUSED))('%s', (file) => {
  test(`is refused: ${REFUSED[file]![1]}`, () => {
    const decode = (): unknown => decodeSign1(fromHex(load(file).output.cbor));
    expect(decode).toThrow(CodecError);
    expect(decode).toThrow(expect.objectContaining({ kind: REFUSED[file]![0] }));
  });
});

describe.each(FILES.filter((file) => !(file in REFUSED)))('%s', (file) => {
  const example = load(file);
  const sign1 = decodeSign1(fromHex(example.output.cbor));
  const externalAad = fromHex(example.input.sign0.external ?? '');

  test('encodes back to the same bytes', () => {
    expect(toHex(encodeSign1(sign1))).toBe(example.output.cbor.toLowerCase());
  });

  test(file in INVALID ? `is not valid: ${INVALID[file]}` : 'verifies', () => {
    for (const crypto of [pureCrypto, nativeCrypto]) {
      expect(verifySign1(crypto, keyOf(example), sign1, { externalAad })).toBe(!(file in INVALID));
    }
  });

  // The intermediates of sign-fail are those of the message before it was spoilt.
  if (file.includes('sign-fail')) return;
  test('has the published Sig_structure', () => {
    const structure = signatureStructure(sign1.protectedBytes, sign1.payload!, externalAad);
    expect(toHex(structure)).toBe(example.intermediates.ToBeSign_hex.toLowerCase());
  });
});

test('ecdsa-sig-01 is valid with its s made low', () => {
  const example = load('ecdsa-examples/ecdsa-sig-01.json');
  const sign1 = decodeSign1(fromHex(example.output.cbor));
  const s = BigInt(`0x${toHex(sign1.signature.subarray(32))}`);
  expect(s > P256_MAX_LOW_S).toBe(true);
  const low = fromHex((2n * P256_MAX_LOW_S + 1n - s).toString(16).padStart(64, '0'));
  const signature = concat(sign1.signature.subarray(0, 32), low);
  expect(verifySign1(pureCrypto, keyOf(example), { ...sign1, signature })).toBe(true);
});

test('an empty protected header is signed as the empty byte string (sign-pass-01)', () => {
  const { input, intermediates } = load('sign1-tests/sign-pass-01.json');
  const structure = signatureStructure(new Uint8Array(0), utf8(input.plaintext));
  expect(toHex(structure)).toBe(intermediates.ToBeSign_hex.toLowerCase());
});
