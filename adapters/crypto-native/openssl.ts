/**
 * The provider for Node without native packages, where what runs is bundled into one file: OpenSSL where it is right, noble
 * elsewhere. Equal to pureCrypto, and to nativeCrypto, which verifies Ed25519 faster.
 */
import { type BinaryToTextEncoding, hash as nodeHash } from 'node:crypto';
import type { CryptoProvider, HashAlgorithm } from '../../node-core/crypto/provider.ts';
import * as ed25519 from '../../node-core/crypto/suite-ed25519.ts';
import * as sm2 from '../../node-core/crypto/suite-sm2.ts';
import * as p256 from './p256.ts';

const OPENSSL_NAMES: Readonly<Record<HashAlgorithm, string>> = {
  'sha-256': 'sha256',
  sm3: 'sm3',
  'sha-512': 'sha512',
  'sha3-256': 'sha3-256',
};

// SM2 stays with noble: Node signs and verifies it with an empty user ID, has no option for OpenSSL's `distid`, and
// cannot verify a digest that was computed outside (README).
const VERIFIERS = { p256: p256.verify, ed25519: ed25519.verify, sm2: sm2.verify } as const;

export const opensslCrypto: CryptoProvider = {
  hash: (algorithm, data) => fromLatin1(nodeHash(OPENSSL_NAMES[algorithm], data, LATIN1)),
  verify: (key, message, signature) => VERIFIERS[key.suite](key.bytes, message, signature),
};

/** Node takes every Buffer encoding here; its types name only some. */
const LATIN1 = 'latin1' as BinaryToTextEncoding;

/** Half the time of asking for a Buffer, which is made outside the JavaScript heap. */
function fromLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
