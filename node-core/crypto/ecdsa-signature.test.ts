import { createPrivateKey, sign as opensslSign } from 'node:crypto';
import { p256 } from '@noble/curves/nist.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat } from '../codec/bytes.ts';
import { fromDerSignature, withLowS } from './ecdsa-signature.ts';
import { SUITES } from './suites.ts';

const secret = new Uint8Array(32).fill(11);
const publicKey = SUITES.p256.publicKeyOf(secret);
const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
const opensslKey = createPrivateKey({
  format: 'jwk',
  key: {
    kty: 'EC',
    crv: 'P-256',
    d: base64url(secret),
    x: base64url(publicKey.subarray(1, 33)),
    y: base64url(publicKey.subarray(33)),
  },
});

describe('fromDerSignature', () => {
  it('with withLowS, makes of each signature of OpenSSL one that BROP takes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (message) => {
        const der = new Uint8Array(opensslSign('sha256', message, opensslKey));
        const signature = withLowS(fromDerSignature(der));
        expect(SUITES.p256.verify(publicKey, message, signature)).toBe(true);
      }),
    );
  });

  it('is the inverse of encoding, for numbers of any length', () => {
    const number = fc
      .uint8Array({ minLength: 0, maxLength: 32 })
      .map((tail) => concat(new Uint8Array(32 - tail.length), tail));
    fc.assert(
      fc.property(number, number, (r, s) => {
        const isZero = [r, s].some((part) => part.every((byte) => byte === 0));
        fc.pre(!isZero);
        const der = p256.Signature.fromBytes(concat(r, s), 'compact');
        expect(fromDerSignature(der.toBytes('der'))).toEqual(concat(r, s));
      }),
    );
  });

  it.each([
    ['nothing', ''],
    ['r ‖ s', '11'.repeat(64)],
    ['a wrong length', '3007020101020101'],
    ['bytes behind it', '300602010102010100'],
    ['a negative number', '3006020180020101'],
    ['zeros in front that need not be', '300702020001020101'],
    ['a number of 33 bytes', `3026022101${'00'.repeat(32)}020101`],
    ['no number', '3005020002010100'],
    ['another type', '3006030101020101'],
  ])('refuses %s', (_, hex) => {
    expect(() => fromDerSignature(Buffer.from(hex, 'hex'))).toThrow(RangeError);
  });
});
