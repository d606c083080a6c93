import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { toDer } from '../../adapters/crypto-native/p256.ts';
import { concat, fromHex, toHex, utf8 } from '../../node-core/codec/bytes.ts';
import { generateKeyPair, type KeyPair } from '../../node-core/crypto/generate.ts';
import { pureCrypto } from '../../node-core/crypto/pure.ts';
import { messageDigest, publicKeyOf, SM2_CURVE, sign } from '../../node-core/crypto/suite-sm2.ts';
import { loadVectors } from './load.ts';

describe('GM/T 0003.5 (GB/T 32918.5) A.2', () => {
  const vector = loadVectors<
    Readonly<Record<'message' | 'secretKey' | 'publicKey' | 'e' | 'nonce' | 'r' | 's', string>>
  >('gbt-32918-sm2/gmt-0003.5-a.2.json');
  const message = utf8(vector.message);
  const key = { suite: 'sm2', bytes: fromHex(vector.publicKey) } as const;

  test('key and digest are as published, with the standard user ID', () => {
    expect(toHex(publicKeyOf(fromHex(vector.secretKey)))).toBe(vector.publicKey);
    expect(toHex(messageDigest(key.bytes, message))).toBe(vector.e);
  });

  test('the published signature verifies, and no other form of it does', () => {
    const { n } = SM2_CURVE;
    const [r, s] = [BigInt(`0x${vector.r}`), BigInt(`0x${vector.s}`)];
    const verify = (a: bigint, b: bigint): boolean => pureCrypto.verify(key, message, concat(number(a), number(b)));
    expect(verify(r, s)).toBe(true);
    for (const [a, b] of [
      [r, n - s],
      [n - r, s],
      [n - r, n - s],
      [0n, s],
      [r, 0n],
      [n, s],
      [r, n],
      [s, r],
    ] as const) {
      expect(verify(a, b)).toBe(false);
    }
    expect(pureCrypto.verify(key, utf8('message digesu'), concat(number(r), number(s)))).toBe(false);
  });

  test('the published nonce and secret key give the published s', () => {
    const { n } = SM2_CURVE;
    const [d, k, r, s] = [vector.secretKey, vector.nonce, vector.r, vector.s].map((hex) => BigInt(`0x${hex}`)) as [
      bigint,
      bigint,
      bigint,
      bigint,
    ];
    expect((s * (1n + d) - (k - r * d)) % n).toBe(0n);
  });
});

/** Needs the `openssl` command, 3.0 or later. Node cannot stand in for it: it signs with an empty user ID. */
describe('OpenSSL', () => {
  const folder = mkdtempSync(join(tmpdir(), 'brop-sm2-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const at = (name: string): string => join(folder, name);
  const openssl = (...parameters: string[]): void => {
    execFileSync('openssl', parameters, { stdio: 'pipe' });
  };
  const dgst = (...parameters: string[]): void =>
    openssl('dgst', '-sm3', '-sigopt', 'distid:1234567812345678', ...parameters, at('message'));

  function writeCase(keys: KeyPair, message: Uint8Array): void {
    writeFileSync(at('key.der'), toPkcs8(keys));
    openssl('pkey', '-inform', 'DER', '-in', at('key.der'), '-out', at('key.pem'));
    openssl('pkey', '-in', at('key.pem'), '-pubout', '-out', at('public.pem'));
    writeFileSync(at('message'), message);
  }

  const sizes = [0, 1, 55, 64, 300, 5000];

  test.each(sizes)('verifies what we sign (%i bytes)', (size) => {
    const keys = generateKeyPair('sm2', randomBytes);
    const message = randomBytes(size);
    writeCase(keys, message);
    writeFileSync(at('signature'), toDer(sign(keys.secretKey, message)));
    expect(() => dgst('-verify', at('public.pem'), '-signature', at('signature'))).not.toThrow();
    writeFileSync(at('message'), concat(message, Uint8Array.of(1)));
    expect(() => dgst('-verify', at('public.pem'), '-signature', at('signature'))).toThrow();
  });

  test.each(sizes)('signs what we verify (%i bytes)', (size) => {
    const keys = generateKeyPair('sm2', randomBytes);
    const message = randomBytes(size);
    writeCase(keys, message);
    dgst('-sign', at('key.pem'), '-out', at('signature'));
    expect(pureCrypto.verify(keys.publicKey, message, fromDer(readFileSync(at('signature'))))).toBe(true);
  });

  test('with another user ID, its signature is not ours', () => {
    const keys = generateKeyPair('sm2', randomBytes);
    writeCase(keys, utf8('message'));
    const other = ['-sigopt', 'distid:ALICE123@YAHOO.COM', '-sign', at('key.pem'), '-out', at('signature')];
    openssl('dgst', '-sm3', ...other, at('message'));
    expect(pureCrypto.verify(keys.publicKey, utf8('message'), fromDer(readFileSync(at('signature'))))).toBe(false);
  });
});

function number(value: bigint): Uint8Array {
  return fromHex(value.toString(16).padStart(64, '0'));
}

/** r ‖ s of a DER Ecdsa-Sig-Value; test input only, so the shape is taken on trust. */
function fromDer(der: Uint8Array): Uint8Array {
  const rEnd = 4 + der[3]!;
  const integers = [der.subarray(4, rEnd), der.subarray(rEnd + 2)];
  return concat(...integers.map((bytes) => number(BigInt(`0x${toHex(bytes)}`))));
}

/** PrivateKeyInfo (RFC 5208) with an ECPrivateKey (RFC 5915) on curve 1.2.156.10197.1.301. */
function toPkcs8({ secretKey, publicKey }: KeyPair): Uint8Array {
  const element = (tag: number, ...parts: Uint8Array[]): Uint8Array => {
    const content = concat(...parts);
    const length = content.length < 128 ? [content.length] : [0x81, content.length];
    return concat(Uint8Array.of(tag, ...length), content);
  };
  const version = (value: number): Uint8Array => element(0x02, Uint8Array.of(value));
  const algorithm = fromHex('301306072a8648ce3d020106082a811ccf5501822d');
  const point = element(0xa1, element(0x03, Uint8Array.of(0), publicKey.bytes));
  const key = element(0x30, version(1), element(0x04, secretKey), point);
  return element(0x30, version(0), algorithm, element(0x04, key));
}
