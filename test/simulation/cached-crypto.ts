/**
 * A provider with a memory of verifications. Sound, because `verify` is a pure function of suite, key,
 * message and signature, and the whole of these is what is looked up, by SHA-256: a wrong answer would be a collision.
 * The machines of a simulation check the same few votes again and again, and so does whoever changes a proof byte by byte:
 * this is most of their speed.
 */
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { concat, toHex, utf8 } from '../../node-core/codec/bytes.ts';
import type { CryptoProvider } from '../../node-core/crypto/provider.ts';

export function cachedCrypto(crypto: CryptoProvider = nativeCrypto): CryptoProvider {
  const known = new Map<string, boolean>();
  return {
    hash: crypto.hash,
    verify: (key, message, signature) => {
      const lengths = utf8(`${key.suite}/${key.bytes.length}/${signature.length}/`);
      const name = toHex(nativeCrypto.hash('sha-256', concat(lengths, key.bytes, signature, message)));
      const before = known.get(name);
      if (before !== undefined) return before;
      const valid = crypto.verify(key, message, signature);
      known.set(name, valid);
      return valid;
    },
  };
}
