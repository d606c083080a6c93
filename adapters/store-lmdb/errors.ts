import { statfsSync } from 'node:fs';
import { StoreError, type StoreErrorCode } from '../../node-core/ports/key-value-store.ts';

const MDB_MAP_FULL = -30792;
const MDB_TXN_FULL = -30788;
const ENOSPC = 28;
const EFBIG = 27;
const EDQUOT = 122;
const FULL = new Set<unknown>([MDB_MAP_FULL, MDB_TXN_FULL, ENOSPC, EFBIG, EDQUOT, 'ENOSPC', 'EFBIG', 'EDQUOT']);

const MDB_PAGE_NOTFOUND = -30797;
const MDB_CORRUPTED = -30796;
const MDB_VERSION_MISMATCH = -30794;
const MDB_INVALID = -30793;
const CORRUPT = new Set<unknown>([MDB_PAGE_NOTFOUND, MDB_CORRUPTED, MDB_VERSION_MISMATCH, MDB_INVALID]);

/** When a volume fills in the middle of a page, LMDB sees a short write and says EIO: below this, we say 'full'. */
const NEARLY_FULL_BYTES = 1024 * 1024;

/** Names an error of lmdb, SQLite's lock or node:fs in the terms of the port; StoreErrors pass through. */
export function toStoreError(error: unknown, doing: string, folder: string): StoreError {
  if (error instanceof StoreError) return error;
  const raw = (error as { code?: unknown } | null)?.code;
  const text = error instanceof Error ? error.message : String(error);
  const code: StoreErrorCode = CORRUPT.has(raw) ? 'corrupt' : FULL.has(raw) || isNearlyFull(folder) ? 'full' : 'io';
  const hint = code === 'full' ? '; free some space on this volume and start again' : '';
  return new StoreError(code, `${doing} in ${folder} failed: ${text}${hint}`, { cause: error });
}

function isNearlyFull(folder: string): boolean {
  try {
    const volume = statfsSync(folder);
    return volume.bavail * volume.bsize < NEARLY_FULL_BYTES;
  } catch {
    return false;
  }
}

/**
 * lmdb-js rejects a batch with a general error and puts the reason into a second promise, `commitError`, whose
 * rejection would end the process if nobody took it.
 */
export async function commitFailure(error: unknown): Promise<unknown> {
  const reason = (error as { commitError?: unknown } | null)?.commitError;
  if (reason === undefined) return error;
  try {
    await reason;
    return error;
  } catch (cause) {
    return cause;
  }
}
