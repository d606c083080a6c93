/** Files with secrets of a node itself: for their owner alone, and never seen half written. */
import { closeSync, fstatSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { BropError } from '../../node-core/chain/codes.ts';

const OTHERS_MAY_READ_OR_WRITE = 0o077;

/**
 * Mode and content of one open file: what is checked is what is read.
 * @returns the text; null when the file has more than `maxBytes`.
 * @throws {BropError} CONFIG_INVALID for a file that others may read or write.
 */
export function readPrivateFile(path: string, maxBytes: number): string | null {
  const file = openSync(path, 'r');
  try {
    const { mode, size } = fstatSync(file);
    // Windows has no such bits: access there is the folder's access-control list.
    if (process.platform !== 'win32' && (mode & OTHERS_MAY_READ_OR_WRITE) !== 0)
      throw new BropError('CONFIG_INVALID', `${path}: others can get at it; run: chmod 600.`);
    return size > maxBytes ? null : readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

/** Whole and on the disk, before it takes the place of the one before. */
export function replacePrivateFile(path: string, content: string): void {
  const file = openSync(`${path}.new`, 'w', 0o600);
  try {
    writeSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
}
