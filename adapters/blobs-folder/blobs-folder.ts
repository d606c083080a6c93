import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import type { Blobs } from '../../node-core/ports/blobs.ts';
import type { ByteRange, ChainFiles } from '../../node-core/ports/chain-files.ts';
import { StoreError } from '../../node-core/ports/key-value-store.ts';

export const DEFAULT_MAX_BYTES = 64 << 20;
/** Longest path; file systems take 255 bytes in each part and more in all. */
export const MAX_PATH_CHARACTERS = 240;

/**
 * The files are public by nature; who may reach them is for the data folder (0700) to say, or for whoever publishes
 * another folder with a web server of their own.
 */
const [FILE_MODE, FOLDER_MODE] = [0o644, 0o755];
/** Parts of paths do not begin with a dot, so that no object can be here. */
const UNFINISHED = '.unfinished';
const PART = /^[a-z0-9_-][a-z0-9._-]*$/;
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const ABSENT = new Set(['ENOENT', 'ENOTDIR']);

/** A folder of somebody else's files, to be read only. */
export function openFolderFiles(folder: string): ChainFiles {
  return new FolderFiles(resolve(folder));
}

/**
 * The folder in which a node keeps its blobs; created when it does not exist. One process at a time: what an earlier
 * one had not finished is removed.
 *
 * @throws {StoreError} 'full' or 'io' when the operating system refuses.
 * @example
 * const blobs = openBlobsFolder('/var/lib/brop/files');
 */
export function openBlobsFolder(folder: string): Blobs {
  const root = resolve(folder);
  try {
    mkdirSync(root, { recursive: true, mode: FOLDER_MODE });
    rmSync(join(root, UNFINISHED), { recursive: true, force: true });
    mkdirSync(join(root, UNFINISHED), { mode: 0o700 });
  } catch (error) {
    throw storeError(error, `opening ${root}`);
  }
  return new BlobsFolder(root);
}

class FolderFiles implements ChainFiles {
  protected readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  async read(
    path: string,
    { range, maxBytes = DEFAULT_MAX_BYTES }: { readonly range?: ByteRange; readonly maxBytes?: number } = {},
  ): Promise<Uint8Array | undefined> {
    const at = this.place(path);
    try {
      return await withFile(at, 'r', async (file) => {
        const status = await file.stat();
        if (!status.isFile()) throw new StoreError('io', `${at} is not a file`);
        const { offset, length } = range ?? { offset: 0, length: status.size };
        const wanted = Math.max(0, Math.min(length, status.size - offset));
        if (wanted > maxBytes) throw new StoreError('io', `${at} has ${wanted} bytes, and ${maxBytes} are allowed`);
        return readAt(file, offset, wanted);
      });
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw storeError(error, `reading ${at}`);
    }
  }

  protected place(path: string): string {
    if (path.length > MAX_PATH_CHARACTERS || !path.split('/').every((part) => PART.test(part)))
      throw new RangeError(`${JSON.stringify(path)} is not the path of a file of a chain`);
    return join(this.root, ...path.split('/'));
  }
}

class BlobsFolder extends FolderFiles implements Blobs {
  async put(path: string, content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
    const at = this.place(path);
    const unfinished = join(this.root, UNFINISHED, randomUUID());
    try {
      await withFile(unfinished, 'wx', async (file) => {
        for await (const piece of content) await file.writeFile(piece);
        await file.datasync();
      });
      await mkdir(dirname(at), { recursive: true, mode: FOLDER_MODE });
      await rename(unfinished, at);
      for (let folder = dirname(at); ; folder = dirname(folder)) {
        await syncFolder(folder);
        if (folder === this.root) break;
      }
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => {});
      throw storeError(error, `writing ${at}`);
    }
  }

  async size(path: string): Promise<number | undefined> {
    const at = this.place(path);
    try {
      const status = await stat(at);
      return status.isFile() ? status.size : undefined;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw storeError(error, `looking at ${at}`);
    }
  }

  async list(prefix: string): Promise<readonly string[]> {
    try {
      // Parent folders of the entries are walked whole: a folder of a thousand tiles is the widest there is.
      const entries = await readdir(this.root, { withFileTypes: true, recursive: true });
      const paths = entries
        .filter((entry) => entry.isFile())
        .map((entry) =>
          join(entry.parentPath, entry.name)
            .slice(this.root.length + 1)
            .split(sep)
            .join('/'),
        );
      return paths.filter((path) => path.startsWith(prefix) && !path.startsWith(UNFINISHED)).sort(byCodeUnit);
    } catch (error) {
      throw storeError(error, `listing ${this.root}`);
    }
  }

  async remove(path: string): Promise<void> {
    const at = this.place(path);
    try {
      await rm(at, { force: true });
      await syncFolder(dirname(at));
    } catch (error) {
      if (!isAbsent(error)) throw storeError(error, `removing ${at}`);
    }
  }
}

async function withFile<T>(path: string, flags: 'r' | 'wx', work: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, flags, FILE_MODE);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}

async function readAt(file: FileHandle, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let have = 0;
  while (have < length) {
    const { bytesRead } = await file.read(bytes, have, length - have, offset + have);
    if (bytesRead === 0) return bytes.slice(0, have);
    have += bytesRead;
  }
  return bytes;
}

/** The name comes to the disk. Windows opens no folders; NTFS journals its names itself. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function isAbsent(error: unknown): boolean {
  return ABSENT.has(String((error as { code?: unknown }).code));
}

/** Errors of whoever made the content pass through. */
function storeError(error: unknown, doing: string): unknown {
  const code = (error as { code?: unknown; syscall?: unknown } | null)?.code;
  if (error instanceof StoreError || !(error instanceof Error) || !('syscall' in error)) return error;
  const isFull = FULL.has(String(code));
  const hint = isFull ? '; free some space on this volume' : '';
  return new StoreError(isFull ? 'full' : 'io', `${doing} failed: ${error.message}${hint}`, { cause: error });
}
