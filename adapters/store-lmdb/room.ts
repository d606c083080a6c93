import { statfsSync } from 'node:fs';
import { StoreError } from '../../node-core/ports/key-value-store.ts';

/** Room that is kept free on the volume: above what the largest commit can take. */
export const RESERVE_BYTES = 64 * 1024 * 1024;

/**
 * To be called before LMDB writes: it must not meet a full disk itself. When its write(2) fails, lmdb 3.5.6 formats a
 * message of up to 130 bytes into `malloc(100)` (mdb.c, mdb_page_flush, "Attempting to write page"), and the process
 * dies of its damaged heap instead of saying what is wrong.
 *
 * @throws {StoreError} 'full'
 */
export function assertRoom(folder: string, reserveBytes: number = RESERVE_BYTES): void {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (free >= reserveBytes) return;
  const megabytes = (bytes: number) => Math.floor(bytes / 1024 ** 2);
  throw new StoreError(
    'full',
    `the volume of ${folder} has ${megabytes(free)} MiB left, and ${megabytes(reserveBytes)} MiB are kept free: ` +
      'free some space there and start again',
  );
}
