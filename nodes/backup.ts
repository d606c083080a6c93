/**
 * Backups of a data folder: its chain and its files with a manifest of digests. Keys are no part of them, and the vote
 * record never is: what it held has been signed, and an older one would sign something else.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { nativeCrypto } from '../adapters/crypto-native/native.ts';
import { BropError } from '../node-core/chain/codes.ts';
import { decodeGenesis, type Genesis } from '../node-core/chain/genesis.ts';
import { toHex } from '../node-core/codec/bytes.ts';
import { readHeadRow, storedGenesis } from '../node-core/runtime/chain-rows.ts';
import { type FsckReport, fsck } from '../node-core/runtime/fsck.ts';
import { CHAIN_FOLDER, explained, FILES_FOLDER, type OpenedFolder, openDataFolder } from './open-store.ts';

const MANIFEST = 'manifest.json';
const MAX_MANIFEST_BYTES = 256 << 20;
/** Where a backup is put together again before it takes its place. */
const RESTORING = 'restoring';
/** LMDB's lock table and ours belong to a machine. */
const CHAIN_FILES = ['data.mdb', 'FORMAT'].map((name) => `${CHAIN_FOLDER}/${name}`);
const PATH = /^files(\/[a-z0-9_-][a-z0-9._-]*)+$/;

const manifestSchema = z.strictObject({
  type: z.literal('brop.backup.v1'),
  /** Hash of the chain's genesis. */
  genesis: z.string().regex(/^[0-9a-f]{64}$/),
  height: z.number().int().min(0),
  files: z.array(
    z.strictObject({
      path: z.string().refine((path) => CHAIN_FILES.includes(path) || PATH.test(path), 'not a path of a backup'),
      bytes: z.number().int().min(0),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
});
export type BackupManifest = z.infer<typeof manifestSchema>;
type BackupFile = BackupManifest['files'][number];

/**
 * Copies the chain of a stopped node into a new folder. The manifest is written last: without it there is no backup.
 * @throws {BropError} STORE_LOCKED when a node runs on it, CONFIG_INVALID when `out` is in use, FILE_UNREADABLE.
 */
export async function makeBackup(
  dataFolder: string,
  out: string,
  progress: (step: string) => void,
): Promise<BackupManifest> {
  assertDataFolder(dataFolder);
  if (existsSync(out) && readdirSync(out).length > 0) throw new BropError('CONFIG_INVALID', `${out} is not empty.`);
  const opened = await openDataFolder(dataFolder);
  try {
    const { genesis, height } = identityOf(opened, dataFolder);
    const files: BackupFile[] = [];
    const published = (await opened.blobs.list('')).map((path) => `${FILES_FOLDER}/${path}`);
    for (const path of [...CHAIN_FILES, ...published]) {
      progress(path);
      files.push({ path, ...(await copyFile(join(dataFolder, path), join(out, path))) });
    }
    const manifest: BackupManifest = { type: 'brop.backup.v1', genesis, height, files };
    await writeFile(join(out, MANIFEST), `${JSON.stringify(manifest, null, 1)}\n`, { flush: true });
    return manifest;
  } catch (error) {
    throw asFileError(error);
  } finally {
    await opened.kv.close();
  }
}

export function assertDataFolder(dataFolder: string): void {
  if (!existsSync(join(dataFolder, CHAIN_FOLDER)))
    throw new BropError('FILE_UNREADABLE', `${dataFolder} is not the data folder of a node`);
}

function identityOf({ kv }: OpenedFolder, dataFolder: string): Pick<BackupManifest, 'genesis' | 'height'> {
  const stored = storedGenesis(kv);
  if (stored === undefined) throw new BropError('STORE_CORRUPT', `${dataFolder} holds no chain`);
  return { genesis: toHex(decodeGenesis(nativeCrypto, stored).hash), height: readHeadRow(kv)[0] };
}

/**
 * Puts a backup into a data folder that has no chain: every file is compared with the manifest and then the whole
 * checked against its own hashes, before any of it takes its place.
 * @throws {BropError} BACKUP_INVALID, naming the first file that is wrong; STORE_OTHER_CHAIN.
 */
export async function restoreBackup(
  backup: string,
  dataFolder: string,
  genesis: Genesis,
  progress: (step: string) => void,
): Promise<FsckReport> {
  for (const name of [CHAIN_FOLDER, FILES_FOLDER]) {
    if (existsSync(join(dataFolder, name)))
      throw new BropError('CONFIG_INVALID', `${join(dataFolder, name)} is there already: restore into another folder.`);
  }
  const manifest = readManifest(backup);
  if (manifest.genesis !== toHex(genesis.hash))
    throw new BropError('STORE_OTHER_CHAIN', `backup of ${manifest.genesis}`);
  const restoring = join(dataFolder, RESTORING);
  try {
    await rm(restoring, { recursive: true, force: true });
    await mkdir(restoring, { recursive: true, mode: 0o700 });
    for (const file of manifest.files) {
      progress(file.path);
      await restoreFile(backup, restoring, file);
    }
    const report = await check(restoring, genesis, progress);
    for (const name of [FILES_FOLDER, CHAIN_FOLDER]) await rename(join(restoring, name), join(dataFolder, name));
    await syncFolder(dataFolder);
    return report;
  } catch (error) {
    throw asFileError(error);
  } finally {
    await rm(restoring, { recursive: true, force: true });
  }
}

function readManifest(backup: string): BackupManifest {
  const wrong = (what: string) => new BropError('BACKUP_INVALID', `${MANIFEST}: ${what}`);
  let text: string;
  try {
    text = readFileSync(join(backup, MANIFEST), 'utf8');
  } catch {
    throw new BropError('FILE_UNREADABLE', `${join(backup, MANIFEST)}: this is not a backup`);
  }
  if (text.length > MAX_MANIFEST_BYTES) throw wrong('it is too long');
  const parsed = manifestSchema.safeParse(jsonOf(text));
  if (!parsed.success) throw wrong('it is not the manifest of a backup');
  const listed = new Set(parsed.data.files.map(({ path }) => path));
  if (listed.size !== parsed.data.files.length) throw wrong('a file is in it twice');
  for (const path of CHAIN_FILES) if (!listed.has(path)) throw wrong(`${path} is not in it`);
  for (const entry of readdirSync(backup, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name)
      .slice(join(backup, '.').length + 1)
      .split(sep)
      .join('/');
    if (entry.isDirectory() || path === MANIFEST || listed.has(path)) continue;
    throw new BropError('BACKUP_INVALID', `${path}: it is not in the manifest`);
  }
  return parsed.data;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function restoreFile(backup: string, restoring: string, file: BackupFile): Promise<void> {
  const from = join(backup, file.path);
  if (!existsSync(from)) throw new BropError('BACKUP_INVALID', `${file.path}: it is missing`);
  const { bytes, sha256 } = await copyFile(from, join(restoring, file.path));
  if (bytes !== file.bytes) throw new BropError('BACKUP_INVALID', `${file.path}: ${bytes} bytes, not ${file.bytes}`);
  if (sha256 !== file.sha256) throw new BropError('BACKUP_INVALID', `${file.path}: its SHA-256 is another one`);
}

async function check(folder: string, genesis: Genesis, progress: (step: string) => void): Promise<FsckReport> {
  await mkdir(join(folder, FILES_FOLDER), { recursive: true, mode: 0o755 });
  const report = await fsckFolder(folder, genesis, progress);
  const [first, ...others] = report.findings;
  if (first === undefined) return report;
  throw new BropError('BACKUP_INVALID', others.length === 0 ? first : `${first} (and ${others.length} more)`);
}

/** @throws {BropError} STORE_LOCKED, STORE_OTHER_CHAIN, or STORE_CORRUPT when the store does not even open. */
export async function fsckFolder(
  dataFolder: string,
  genesis: Genesis,
  progress: (step: string) => void,
): Promise<FsckReport> {
  const { kv, blobs } = await openDataFolder(dataFolder);
  try {
    return await fsck({ crypto: nativeCrypto, kv, blobs, genesis, progress });
  } catch (error) {
    throw explained(error);
  } finally {
    await kv.close();
  }
}

/** Length and digest of what was copied; it is on the disk when this resolves. */
async function copyFile(from: string, to: string): Promise<Omit<BackupFile, 'path'>> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  const hash = createHash('sha256');
  let bytes = 0;
  const counted = new Transform({
    transform: (piece: Buffer, _encoding, done) => {
      hash.update(piece);
      bytes += piece.length;
      done(null, piece);
    },
  });
  await pipeline(createReadStream(from), counted, createWriteStream(to, { mode: 0o600, flags: 'wx', flush: true }));
  return { bytes, sha256: hash.digest('hex') };
}

async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What the operating system says about a file, in one line. */
function asFileError(error: unknown): unknown {
  const { code, syscall } = (error ?? {}) as { readonly code?: unknown; readonly syscall?: unknown };
  if (!(error instanceof Error) || syscall === undefined) return error;
  return new BropError(code === 'ENOSPC' ? 'STORE_FULL' : 'FILE_UNREADABLE', error.message, { cause: error });
}
