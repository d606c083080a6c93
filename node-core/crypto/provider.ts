/**
 * What the protocol needs from cryptography. `pure.ts` implements it with @noble and runs anywhere; adapters bring
 * native speed and are tested equal to it.
 */

export type HashAlgorithm = 'sha-256' | 'sm3' | 'sha-512' | 'sha3-256';

/** Signature suites: ECDSA P-256 with SHA-256 (low-S), Ed25519 by ZIP 215, SM2 with SM3 and the standard user ID. */
export type SuiteName = 'p256' | 'ed25519' | 'sm2';

export interface PublicKey {
  readonly suite: SuiteName;
  /** p256 and sm2: 65 bytes, 0x04 ‖ x ‖ y. ed25519: 32 bytes. */
  readonly bytes: Uint8Array;
}

export interface CryptoProvider {
  hash(algorithm: HashAlgorithm, data: Uint8Array): Uint8Array;
  /** Never throws: malformed keys and signatures are simply not valid. Signatures are 64 bytes in every suite. */
  verify(key: PublicKey, message: Uint8Array, signature: Uint8Array): boolean;
}
