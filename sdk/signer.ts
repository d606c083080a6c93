/** Keys that sign: from raw bytes, or in WebCrypto where the bytes never come out. Anything else implements `Signer`. */
import { concat } from '../node-core/codec/bytes.ts';
import type { PublicKey, SuiteName } from '../node-core/crypto/provider.ts';
import { P256_MAX_LOW_S } from '../node-core/crypto/suite-p256.ts';
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

/**
 * Of (r, s) and (r, n − s), both of which verify, the one that BROP takes. WebCrypto gives either, with equal chance.
 */
export function withLowS(signature: Uint8Array): Uint8Array {
  let s = 0n;
  for (const byte of signature.subarray(32)) s = (s << 8n) | BigInt(byte);
  if (s <= P256_MAX_LOW_S) return signature;
  let rest = 2n * P256_MAX_LOW_S + 1n - s;
  const low = new Uint8Array(32);
  for (let i = 31; i >= 0; i--) {
    low[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return concat(signature.subarray(0, 32), low);
}
