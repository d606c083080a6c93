import { toHex } from '../codec/bytes.ts';
import { generateKeyPair } from './generate.ts';
import { keyId } from './keys.ts';
import type { CryptoProvider } from './provider.ts';

/** An Ed25519 key that signs access tokens, and nothing else. */
export interface TokenKey {
  /** Key ID, 32 hexadecimal digits. */
  readonly kid: string;
  readonly publicKey: Uint8Array;
  readonly secretKey: Uint8Array;
}

/** @param randomBytes a cryptographic source. */
export function newTokenKey(crypto: CryptoProvider, randomBytes: (length: number) => Uint8Array): TokenKey {
  const { publicKey, secretKey } = generateKeyPair('ed25519', randomBytes);
  return { kid: toHex(keyId(crypto, publicKey)), publicKey: publicKey.bytes, secretKey };
}
