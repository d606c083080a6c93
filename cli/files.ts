/** Files on disk: finding them, hashing them as a stream, guessing their media type. */
import { createHash } from 'node:crypto';
import { closeSync, constants, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { BropError } from '../node-core/chain/codes.ts';
import type { HashAlgorithm } from '../node-core/crypto/provider.ts';
import { ExitError, exit } from './exit-codes.ts';

const NAMES: Readonly<Record<HashAlgorithm, string>> = {
  'sha-256': 'sha256',
  'sha-512': 'sha512',
  'sha3-256': 'sha3-256',
  sm3: 'sm3',
};

/** Opening a pipe without this waits for its writer, for ever. */
const READ_AT_ONCE = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

export interface HashedFile {
  readonly digests: Map<HashAlgorithm, Uint8Array>;
  /** As many as were hashed. */
  readonly sizeBytes: number;
}

/** Reads the file once for all algorithms; one that changes meanwhile is refused. @throws {BropError} FILE_UNREADABLE */
export async function hashFile(path: string, algorithms: readonly HashAlgorithm[]): Promise<HashedFile> {
  const hashes = algorithms.map((algorithm) => ({ algorithm, hash: createHash(NAMES[algorithm]) }));
  const sizeBytes = await reading(path, async (file) => {
    const before = await file.stat();
    let size = 0;
    for await (const chunk of file.createReadStream({ autoClose: false })) {
      for (const { hash } of hashes) hash.update(chunk as Uint8Array);
      size += (chunk as Uint8Array).length;
    }
    const after = await file.stat();
    if (size !== after.size || before.mtimeMs !== after.mtimeMs) throw new Error('it changed while it was read');
    return size;
  });
  return {
    digests: new Map(hashes.map(({ algorithm, hash }) => [algorithm, new Uint8Array(hash.digest())])),
    sizeBytes,
  };
}

/** A file that has to fit in memory, such as a proof. @throws {BropError} FILE_UNREADABLE */
export async function readWhole(path: string, maxBytes: number): Promise<Uint8Array> {
  return reading(path, async (file) => {
    const { size } = await file.stat();
    if (size > maxBytes) throw new Error(`${size} bytes, at most ${maxBytes} are read`);
    return new Uint8Array(await file.readFile());
  });
}

/** Standard input to its end. @throws {BropError} FILE_UNREADABLE */
export async function readInput(maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of process.stdin as AsyncIterable<Uint8Array>) {
    length += part.length;
    if (length > maxBytes) throw new BropError('FILE_UNREADABLE', `standard input: at most ${maxBytes} bytes are read`);
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts));
}

async function reading<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, READ_AT_ONCE);
    if (!(await file.stat()).isFile()) throw new Error('not a regular file');
    return await use(file);
  } catch (error) {
    throw new BropError('FILE_UNREADABLE', `${path}: ${reason(error)}`);
  } finally {
    await file?.close();
  }
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error ? String(error.code) : error.message;
}

/** A file that is written whole or not at all: what is at its place stays until then. */
export interface NewFile {
  write(content: Uint8Array): void;
  /** Gives up what was not written. */
  discard(): void;
}

/** Before anything is asked of the chain: a place that cannot be written shows now. @throws {ExitError} */
export function newFile(path: string): NewFile {
  const part = `${path}.part`;
  const explain = (error: unknown) => new ExitError(exit.failure, `${path} cannot be written: ${reason(error)}`);
  const write = (content: Uint8Array) => {
    const file = openSync(part, 'w');
    try {
      writeSync(file, content);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  };
  try {
    mkdirSync(dirname(path), { recursive: true });
    write(new Uint8Array(0));
  } catch (error) {
    throw explain(error);
  }
  return {
    write: (content) => {
      try {
        write(content);
        renameSync(part, path);
      } catch (error) {
        rmSync(part, { force: true });
        throw explain(error);
      }
    },
    discard: () => rmSync(part, { force: true }),
  };
}

/** All regular files below a folder, in order of their names; hidden ones and node_modules are passed over. */
export async function filesBelow(folder: string): Promise<string[]> {
  const found: string[] = [];
  const entries = await readdir(folder, { withFileTypes: true });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
    if (entry.isDirectory()) found.push(...(await filesBelow(path)));
    else if (entry.isFile()) found.push(path);
  }
  return found;
}

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  arrow: 'application/vnd.apache.arrow.file',
  cbor: 'application/cbor',
  csv: 'text/csv',
  gif: 'image/gif',
  html: 'text/html',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  js: 'text/javascript',
  json: 'application/json',
  md: 'text/markdown',
  parquet: 'application/vnd.apache.parquet',
  pdf: 'application/pdf',
  png: 'image/png',
  svg: 'image/svg+xml',
  tsv: 'text/tab-separated-values',
  txt: 'text/plain',
  webp: 'image/webp',
  xml: 'application/xml',
  zip: 'application/zip',
};

export function mediaTypeOf(path: string): string {
  return MEDIA_TYPES[extname(path).slice(1).toLowerCase()] ?? 'application/octet-stream';
}

/** A text that fits the ledger's label and subject: at most `maxBytes` of UTF-8, no control characters. */
export function labelOf(path: string, maxBytes: number): string {
  const clean = basename(path).replace(/[\p{Cc}\p{Cf}]/gu, '�');
  let label = clean;
  while (Buffer.byteLength(label) > maxBytes) label = label.slice(0, -1);
  return label === '' ? 'file' : label;
}
