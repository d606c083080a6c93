import { describe, expect, it } from 'vitest';
import { utf8 } from '../node-core/codec/bytes.ts';
import { pureCrypto } from '../node-core/crypto/pure.ts';
import { P256_MAX_LOW_S } from '../node-core/crypto/suite-p256.ts';
import { signerFromSecretKey, signerFromWebCrypto } from './signer.ts';

const { subtle } = globalThis.crypto;
const secret = new Uint8Array(32).fill(7);
const sOf = (signature: Uint8Array) => BigInt(`0x${Buffer.from(signature.subarray(32)).toString('hex')}`);

describe('signers', () => {
  it.each(['p256', 'ed25519', 'sm2'] as const)('from raw bytes: %s', async (suite) => {
    const { publicKey, sign } = signerFromSecretKey(suite, secret);
    const signature = await sign(utf8('message'));
    expect(pureCrypto.verify(publicKey, utf8('message'), signature)).toBe(true);
    expect(pureCrypto.verify(publicKey, utf8('another'), signature)).toBe(false);
  });

  it('keep a copy of the bytes they were given, and do not show bad ones', () => {
    expect(() => signerFromSecretKey('p256', new Uint8Array(32))).toThrow(RangeError);
    expect(() => signerFromSecretKey('p256', new Uint8Array(31))).toThrow(RangeError);
  });

  it('from WebCrypto on P-256, not extractable: S is always low', async () => {
    const pair = await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
    const { publicKey, sign } = await signerFromWebCrypto(pair);
    let wereHigh = 0;
    for (let i = 0; i < 40; i++) {
      const message = utf8(`message ${i}`);
      const raw = new Uint8Array(await subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, pair.privateKey, message));
      if (sOf(raw) > P256_MAX_LOW_S) wereHigh += 1;
      const signature = await sign(message);
      expect(sOf(signature) <= P256_MAX_LOW_S).toBe(true);
      expect(pureCrypto.verify(publicKey, message, signature)).toBe(true);
    }
    // Of WebCrypto's own, half are high: 40 low ones in a row would mean that nothing was tested (p = 2^−40).
    expect(wereHigh).toBeGreaterThan(0);
  });

  it('from WebCrypto on Ed25519', async () => {
    const pair = await subtle.generateKey('Ed25519', false, ['sign', 'verify']);
    const { publicKey, sign } = await signerFromWebCrypto(pair as never);
    expect(publicKey.suite).toBe('ed25519');
    expect(pureCrypto.verify(publicKey, utf8('message'), await sign(utf8('message')))).toBe(true);
  });

  it('refuse keys of other algorithms', async () => {
    const p384 = await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-384' }, false, ['sign', 'verify']);
    await expect(signerFromWebCrypto(p384)).rejects.toThrow(RangeError);
    const p256 = await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
    const ed = (await subtle.generateKey('Ed25519', false, ['sign', 'verify'])) as typeof p256;
    await expect(signerFromWebCrypto({ privateKey: p256.privateKey, publicKey: ed.publicKey })).rejects.toThrow(
      /different/,
    );
  });
});
