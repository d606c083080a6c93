/** Keys that sign: from raw bytes, or in WebCrypto where the bytes never come out. Anything else implements `Signer`. */
import { withLowS } from '../node-core/crypto/ecdsa-signature.ts';
import type { PublicKey, SuiteName } from '../node-core/crypto/provider.ts';
import { SUITES } from '../node-core/crypto/suites.ts';

/** The same one method as the port of that name in the node: a signer written for one serves the other. */
export interface Signer {
  readonly publicKey: PublicKey;
  /** Signs the message itself (the suite says which hash). 64 bytes; ECDSA with low S. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** @throws {RangeError} when the 32 bytes are no secret key of the suite; the error does not hold them. */
export function signerFromSecretKey(suite: SuiteName, secretKey: Uint8Array): Signer {
  const { publicKeyOf, sign } = SUITES[suite];
  const secret = Uint8Array.from(secretKey);
  return { publicKey: { suite, bytes: publicKeyOf(secret) }, sign: async (message) => sign(secret, message) };
}

/** CryptoKey, by whatever name the types of the host give it. */
type WebKey = Parameters<typeof globalThis.crypto.subtle.exportKey>[1];

export interface WebKeyPair {
  /** ECDSA on P-256, or Ed25519; it need not be extractable. */
  readonly privateKey: WebKey;
  readonly publicKey: WebKey;
}

/**
 * @throws {RangeError} for a key of another algorithm.
 * @example
 * const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
 * const signer = await signerFromWebCrypto(pair);
 */
export async function signerFromWebCrypto({ privateKey, publicKey }: WebKeyPair): Promise<Signer> {
  const suite = suiteOf(privateKey);
  if (suite !== suiteOf(publicKey)) throw new RangeError('private and public key are of different algorithms');
  const { subtle } = globalThis.crypto;
  const bytes = new Uint8Array(await subtle.exportKey('raw', publicKey));
  const parameters = suite === 'p256' ? { name: 'ECDSA', hash: 'SHA-256' } : { name: 'Ed25519' };
  return {
    publicKey: { suite, bytes },
    sign: async (message) => {
      const signature = new Uint8Array(await subtle.sign(parameters, privateKey, Uint8Array.from(message)));
      return suite === 'p256' ? withLowS(signature) : signature;
    },
  };
}

function suiteOf({ algorithm }: WebKey): 'p256' | 'ed25519' {
  const { name, namedCurve } = algorithm as { readonly name: string; readonly namedCurve?: string };
  if (name === 'ECDSA' && namedCurve === 'P-256') return 'p256';
  if (name === 'Ed25519') return 'ed25519';
  throw new RangeError('the key is neither ECDSA on P-256 nor Ed25519');
}
