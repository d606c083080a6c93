/** A folder of plain files of a chain, as it lies there: also what has no business in it. */
import { readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { BropError } from '../node-core/chain/codes.ts';

/** Everything below the folder that is no folder, `/` between the parts. @throws {BropError} FILE_UNREADABLE */
export async function pathsBelow(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true, recursive: true });
    return entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
      .sort();
  } catch (error) {
    throw new BropError('FILE_UNREADABLE', `${folder}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
