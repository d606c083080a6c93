/** How much a node's data folder holds. Looked at when asked, at most every half minute: segments become many. */
import { lstat, readdir, readFile, statfs } from 'node:fs/promises';
import { join } from 'node:path';

export interface Contents {
  /** By the folder directly below. */
  readonly bytes: ReadonlyMap<string, number>;
  readonly segments: number;
  readonly snapshots: number;
}

const KEPT_MS = 30_000;
/** Files of a chain are below this folder (docs/spec/files.md). */
const FILES = 'files';
/** `statfs` and `lstat` count what is allocated in units of this. */
const UNIT_BYTES = 512;

export class DataFolder {
  readonly #path: string;
  #contents: Promise<Contents> | null = null;
  #lookedMs = Number.NEGATIVE_INFINITY;

  constructor(path: string) {
    this.#path = path;
  }

  look(): Promise<Contents> {
    const now = performance.now();
    if (this.#contents === null || now - this.#lookedMs > KEPT_MS) {
      this.#lookedMs = now;
      this.#contents = this.#read();
    }
    return this.#contents;
  }

  async volume(): Promise<{ readonly freeBytes: number; readonly sizeBytes: number }> {
    const { bavail, blocks, bsize } = await statfs(this.#path);
    return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize };
  }

  async #read(): Promise<Contents> {
    const parts = (await entries(this.#path)).filter((entry) => entry.isDirectory()).map(({ name }) => name);
    const bytes = new Map<string, number>();
    for (const part of parts) bytes.set(part, await sizeOf(join(this.#path, part)));
    const files = join(this.#path, FILES);
    return {
      bytes,
      segments: await countFiles(join(files, 'blocks')),
      snapshots: await countLines(join(files, 'snapshots', 'index')),
    };
  }
}

/** What disappears while it is looked at counts as nothing: files are sealed and pruned at any time. */
async function entries(folder: string) {
  return readdir(folder, { withFileTypes: true }).catch(() => []);
}

async function sizeOf(folder: string): Promise<number> {
  let sum = 0;
  for (const entry of await entries(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) sum += await sizeOf(path);
    else
      sum += await lstat(path).then(
        ({ blocks }) => blocks * UNIT_BYTES,
        () => 0,
      );
  }
  return sum;
}

/** Partial ones (`000.p/17`) are folders with a dot and do not count. */
async function countFiles(folder: string): Promise<number> {
  let count = 0;
  for (const entry of await entries(folder)) {
    if (entry.isFile()) count += 1;
    else if (entry.isDirectory() && !entry.name.includes('.')) count += await countFiles(join(folder, entry.name));
  }
  return count;
}

async function countLines(path: string): Promise<number> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line !== '').length;
}
