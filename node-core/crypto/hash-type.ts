/**
 * A hash with 32 bytes of output: SHA-256, or SM3 for a chain that chose it at genesis.
 *
 * The trees of this room pass scratch memory in, so an implementation reads `bytes` before it returns and keeps no
 * reference to it; the result is fresh memory that nobody changes later.
 */
export type Hash = (bytes: Uint8Array) => Uint8Array;

/** Bytes of a hash, in both trees and in every proof. */
export const HASH_BYTES = 32;
