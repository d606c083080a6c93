/** Cryptographic randomness; seeded in simulation. Never used in what consensus executes. */
export interface Random {
  bytes(length: number): Uint8Array;
}
