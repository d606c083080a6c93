/** The plain files of a chain by the name that a config or a command line gives their place: a URL (http, s3) or a folder. */
import { openFolderFiles } from '../adapters/blobs-folder/blobs-folder.ts';
import { httpFiles } from '../adapters/files-http/files-http.ts';
import { BropError } from '../node-core/chain/codes.ts';
import type { FileSource } from '../node-core/runtime/file-sync.ts';
import { isS3 } from './aws/references.ts';

export function isUrl(name: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(name);
}

/** @throws {BropError} CONFIG_INVALID for a URL that names no files; a folder need not be there yet. */
export async function openFileSource(name: string): Promise<FileSource> {
  if (!isUrl(name)) return { name, files: openFolderFiles(name) };
  // Loaded when it is wanted, as the SDK is large.
  if (isS3(name)) return (await import('./aws/files.ts')).openS3Source(name, 'fileSources');
  try {
    const files = httpFiles({ url: name });
    return { name, files, close: () => files.close() };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new BropError('CONFIG_INVALID', `fileSources: ${error.message}: http(s), without a query or a password.`);
  }
}
