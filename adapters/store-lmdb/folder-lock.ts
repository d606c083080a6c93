import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StoreError } from '../../node-core/ports/key-value-store.ts';

const SQLITE_BUSY = 5;

export interface FolderLock {
  release(): void;
}

/**
 * Makes this process the one writer of `folder` until it releases the lock or dies.
 *
 * Why SQLite: LMDB lets several processes write in turn, which would let two nodes run on one chain folder, and Node
 * has no flock. What Node has is its own SQLite, whose BEGIN EXCLUSIVE is a byte-range lock of the kernel (fcntl,
 * LockFileEx on Windows): taken at once or not at all, freed by the kernel however the process ends, and seen through
 * any mount of the same local file system. The database stays an empty file; nothing is ever written to it.
 * Weighed and left: a lock file made with O_EXCL survives its process; a listening Unix socket leaves a file behind
 * whose removal races with a second start; an abstract socket is Linux only and not seen across network namespaces
 * (two containers on one volume); LMDB's own write lock can only be waited for, not tried.
 *
 * Do not open and close `writer.lock` by other means within the process: POSIX then drops the lock.
 *
 * @throws {StoreError} 'locked' when another process, or this one, already holds it.
 */
export function lockFolder(folder: string): FolderLock {
  const pidFile = join(folder, 'writer.pid');
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(join(folder, 'writer.lock'), { timeout: 0 });
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
    throw new StoreError('locked', `${folder} is in use by ${holder(pidFile)}: stop it or choose another data folder`);
  }
  writeFileSync(pidFile, `${process.pid}\n`);
  const held = database;
  return {
    release() {
      rmSync(pidFile, { force: true });
      held.close();
    },
  };
}

/** For the message only: the process id may be of another container, or gone by now. */
function holder(pidFile: string): string {
  try {
    return `process ${readFileSync(pidFile, 'utf8').trim()}`;
  } catch {
    return 'another process';
  }
}
