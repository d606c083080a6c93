import { base64 } from '@scure/base';
import { describe, expect, it } from 'vitest';
import { nativeSigner } from '../../adapters/crypto-native/native.ts';
import { utf8 } from '../../node-core/codec/bytes.ts';
import { signatureOf } from '../../node-core/middleware/delivery/signing.ts';
import type { SignatureScheme } from '../../node-core/ports/subscription-store.ts';
import { loadVectors } from './load.ts';

interface Vectors {
  readonly id: string;
  readonly timestamp: number;
  readonly payload: string;
  readonly signatures: readonly {
    readonly scheme: SignatureScheme;
    readonly secret: string;
    readonly signature: string;
  }[];
}

const { id, timestamp, payload, signatures } = loadVectors<Vectors>('standard-webhooks/signatures.json');

describe('the vectors of the official libraries', () => {
  it.each(signatures)('$scheme', ({ scheme, secret, signature }) => {
    const key = { scheme, secret: base64.decode(secret.replace(/^wh\w+_/, '')) };
    expect(signatureOf(key, id, timestamp, utf8(payload))).toBe(signature);
    const native = (seed: Uint8Array, message: Uint8Array) => nativeSigner('ed25519', seed)(message);
    expect(signatureOf(key, id, timestamp, utf8(payload), native)).toBe(signature);
  });
});
