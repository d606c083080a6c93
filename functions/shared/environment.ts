/** What a function is told by its environment. */
import { BropError } from '../../node-core/chain/codes.ts';

/** @throws {BropError} CONFIG_INVALID, naming the variable. */
export function environment(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new BropError('CONFIG_INVALID', `${name}: is not set.`);
  return value;
}

/** Made at the first use, and again at the next one when that failed. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
