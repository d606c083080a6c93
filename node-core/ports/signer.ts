import type { PublicKey } from '../crypto/provider.ts';

/** A private key somewhere: in a file, a WebCrypto key, KMS or an HSM. Errors never hold secrets. */
export interface Signer {
  readonly publicKey: PublicKey;
  /** Signs the message itself (the suite says which hash). 64 bytes; ECDSA with low S. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}
