/** The provider that runs anywhere: @noble alone. Slow (docs in this room's README), and the measure of the others. */
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import { sha3_256 } from '@noble/hashes/sha3.js';
import type { CryptoProvider, HashAlgorithm } from './provider.ts';
import { sm3 } from './sm3.ts';
import { SUITES } from './suites.ts';

const HASHES: Readonly<Record<HashAlgorithm, (data: Uint8Array) => Uint8Array>> = {
  'sha-256': sha256,
  sm3,
  'sha-512': sha512,
  'sha3-256': sha3_256,
};

export const pureCrypto: CryptoProvider = {
  hash: (algorithm, data) => HASHES[algorithm](data),
  verify: (key, message, signature) => SUITES[key.suite].verify(key.bytes, message, signature),
};
