/** The provider for Node: OpenSSL and libsodium where they are right, noble elsewhere. Equal to pureCrypto. */
import type { CryptoProvider, SuiteName } from '../../node-core/crypto/provider.ts';
import * as sm2 from '../../node-core/crypto/suite-sm2.ts';
import * as ed25519 from './ed25519.ts';
import { opensslCrypto } from './openssl.ts';
import * as p256 from './p256.ts';

export const nativeCrypto: CryptoProvider = {
  hash: opensslCrypto.hash,
  verify: (key, message, signature) =>
    key.suite === 'ed25519'
      ? ed25519.verify(key.bytes, message, signature)
      : opensslCrypto.verify(key, message, signature),
};

const SIGNERS = {
  p256: p256.signerOf,
  ed25519: ed25519.signerOf,
  sm2: (secretKey: Uint8Array) => {
    sm2.publicKeyOf(secretKey); // Refuses what is no key now, not at the first signature.
    return (message: Uint8Array) => sm2.sign(secretKey, message);
  },
} as const;

const PUBLIC_KEYS = { p256: p256.publicKeyOf, ed25519: ed25519.publicKeyOf, sm2: sm2.publicKeyOf } as const;

/** The public key of a secret one, in the suite's form. @throws {RangeError} when it is no key. */
export function nativePublicKey(suite: SuiteName, secretKey: Uint8Array): Uint8Array {
  return PUBLIC_KEYS[suite](secretKey);
}

/** A function that signs with this key, as fast as the suite allows here. @throws {RangeError} without the secret. */
export function nativeSigner(suite: SuiteName, secretKey: Uint8Array): (message: Uint8Array) => Uint8Array {
  return SIGNERS[suite](Uint8Array.from(secretKey));
}
