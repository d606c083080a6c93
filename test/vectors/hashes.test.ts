import { describe, expect, test } from 'vitest';
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { fromHex, toHex } from '../../node-core/codec/bytes.ts';
import type { HashAlgorithm } from '../../node-core/crypto/provider.ts';
import { pureCrypto } from '../../node-core/crypto/pure.ts';
import { loadVectors } from './load.ts';

type Digests = readonly { readonly message: string; readonly digest: string }[];

const VECTORS: Readonly<Record<HashAlgorithm, Digests>> = {
  ...loadVectors<Record<Exclude<HashAlgorithm, 'sm3'>, Digests>>('nist-sha/short-messages.json'),
  sm3: loadVectors<Digests>('gbt-32905-sm3/digests.json'),
};

describe.each(Object.keys(VECTORS) as HashAlgorithm[])('%s', (algorithm) => {
  test('gives the published digests, pure and native', () => {
    expect(VECTORS[algorithm].length).toBeGreaterThanOrEqual(6);
    for (const { message, digest } of VECTORS[algorithm]) {
      expect(toHex(pureCrypto.hash(algorithm, fromHex(message)))).toBe(digest);
      expect(toHex(nativeCrypto.hash(algorithm, fromHex(message)))).toBe(digest);
    }
  });
});
