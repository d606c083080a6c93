import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { open, type RootDatabase } from 'lmdb';
import { StoreError } from '../../node-core/ports/key-value-store.ts';
import { checkDataFile } from './data-file.ts';

export interface EnvironmentOptions {
  readonly folder: string;
  /** What the folder holds: written into it at creation, and compared at every start. */
  readonly format: string;
  /** Address space to map at first; LMDB maps anew, doubling, when the data outgrow it. */
  readonly mapSizeBytes: number;
  /** Up to this size all tree pages are checked before opening. */
  readonly checkUpToBytes: number;
}

export type Environment = RootDatabase<Uint8Array, Uint8Array>;

/** Smaller than two meta pages: LMDB died while it created the file. */
const SMALLEST_FILE = 2 * 4096;

/**
 * Opens, or creates, one LMDB environment whose commits are on disk before they are acknowledged.
 *
 * `overlappingSync: false` is what makes it so: lmdb-js's default resolves a write when it is visible and flushes
 * later. Without it a commit is pages, fdatasync, and then the meta page through a file opened with O_DSYNC, and only
 * then is it visible (mdb.c, mdb_txn_commit and mdb_env_write_meta; README.md has the strace).
 * `eventTurnBatching: false`: with it, lmdb-js adds an empty operation to each turn whose promise nobody holds; when a
 * commit fails, that is an unhandled rejection, which ends the process.
 *
 * @throws {StoreError} 'corrupt' for a file that is damaged, cut off, missing, or of another format.
 */
export function openEnvironment(options: EnvironmentOptions): Environment {
  const { folder } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const created = prepare(options);
  const environment = open<Uint8Array, Uint8Array>({
    path: folder,
    noSubdir: false,
    keyEncoding: 'binary',
    encoding: 'binary',
    compression: false,
    cache: false,
    overlappingSync: false,
    eventTurnBatching: false,
    mapSize: options.mapSizeBytes,
  });
  if (created) markCreated(options);
  return environment;
}

/** Returns whether the environment is to be created. */
function prepare({ folder, format, checkUpToBytes }: EnvironmentOptions): boolean {
  const data = join(folder, 'data.mdb');
  const size = existsSync(data) ? statSync(data).size : -1;
  const found = readFormat(folder);
  if (found !== undefined && found !== format) {
    throw new StoreError('corrupt', `${folder} holds "${found}", not "${format}": choose another folder`);
  }
  if (found !== undefined && size < 1) {
    throw new StoreError('corrupt', `${data} is ${size < 0 ? 'missing' : 'empty'}, but ${folder} has been in use`);
  }
  if (found === undefined && size < SMALLEST_FILE) {
    rmSync(data, { force: true });
    return true;
  }
  checkDataFile(data, checkUpToBytes);
  return found === undefined;
}

function readFormat(folder: string): string | undefined {
  const path = join(folder, 'FORMAT');
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;
}

/**
 * From here on, a missing data file is damage and not a first start; so the file comes to the disk first, then FORMAT,
 * then the names of both.
 */
function markCreated({ folder, format }: EnvironmentOptions): void {
  sync(join(folder, 'data.mdb'), 'r+');
  writeFileSync(join(folder, 'FORMAT'), `${format}\n`, { mode: 0o600, flush: true });
  // Windows opens no folders; NTFS journals its names itself.
  if (process.platform !== 'win32') for (const path of [folder, dirname(folder)]) sync(path, 'r');
}

function sync(path: string, mode: string): void {
  const handle = openSync(path, mode);
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
