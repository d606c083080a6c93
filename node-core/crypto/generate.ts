import type { PublicKey, SuiteName } from './provider.ts';
import { SECRET_KEY_BYTES } from './suite.ts';
import { SUITES } from './suites.ts';

export interface KeyPair {
  readonly publicKey: PublicKey;
  readonly secretKey: Uint8Array;
}

/** A source of randomness that is broken (all zeros, say) must not become an endless loop. */
const MAX_DRAWS = 128;

/**
 * A key pair from 32 random bytes; p256 and sm2 draw again in the rare case (p < 2^−32) that those are out of range.
 * @param randomBytes a cryptographic source, or a seeded one in simulation.
 * @throws {Error} when the source gives another length, or nothing usable in 128 draws.
 */
export function generateKeyPair(suite: SuiteName, randomBytes: (length: number) => Uint8Array): KeyPair {
  const { isSecretKey, publicKeyOf } = SUITES[suite];
  for (let draw = 0; draw < MAX_DRAWS; draw++) {
    const secretKey = Uint8Array.from(randomBytes(SECRET_KEY_BYTES));
    if (secretKey.length !== SECRET_KEY_BYTES) throw new Error(`randomBytes did not give ${SECRET_KEY_BYTES} bytes`);
    if (isSecretKey(secretKey)) return { publicKey: { suite, bytes: publicKeyOf(secretKey) }, secretKey };
  }
  throw new Error(`the source of randomness gave no usable ${suite} key in ${MAX_DRAWS} draws`);
}
