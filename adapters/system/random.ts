import { randomFillSync } from 'node:crypto';
import type { Random } from '../../node-core/ports/random.ts';

/** The operating system's cryptographic randomness. */
export const systemRandom: Random = {
  bytes: (length) => randomFillSync(new Uint8Array(length)),
};
