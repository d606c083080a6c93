/** Files on S3 as a config names them. */
import { S3Client } from '@aws-sdk/client-s3';
import { CLIENT_SETTINGS, pathStyle } from '../../adapters/aws/client-settings.ts';
import { nameOf, Persistence } from '../../adapters/aws/persistence.ts';
import { openBlobsS3 } from '../../adapters/blobs-s3/blobs-s3.ts';
import { BropError } from '../../node-core/chain/codes.ts';
import type { Blobs } from '../../node-core/ports/blobs.ts';
import type { Log } from '../../node-core/ports/log.ts';
import type { FileSource } from '../../node-core/runtime/file-sync.ts';
import { parseS3Url } from './references.ts';

const MAX_GENESIS_BYTES = 1 << 20;
/** A node that starts without its genesis waits this long for S3; then its process ends, and is started anew. */
const PATIENCE_MS = 60_000;

const newClient = () => new S3Client({ ...CLIENT_SETTINGS, ...pathStyle(process.env) });

/**
 * @param field that names them in the config.
 * @param signal ends the requests under way.
 * @throws {BropError} CONFIG_INVALID for another URL than `s3://bucket/prefix`
 */
export function openS3Files(url: string, field: string, signal?: AbortSignal): Blobs {
  const place = parseS3Url(url);
  if (place === undefined)
    throw new BropError('CONFIG_INVALID', `${field}: ${url}: must be s3://bucket or s3://bucket/prefix.`);
  return openBlobsS3({ client: newClient(), bucket: place.bucket, prefix: place.key, signal });
}

/** The same to catch up from. @throws {BropError} CONFIG_INVALID */
export function openS3Source(url: string, field: string): Required<FileSource> {
  const closing = new AbortController();
  return { name: url, files: openS3Files(url, field, closing.signal), close: () => closing.abort() };
}

/** The bytes at `s3://bucket/key`. @throws {BropError} FILE_UNREADABLE or CONFIG_INVALID */
export async function readS3Genesis(url: string, log: Log): Promise<Uint8Array> {
  const { bucket, key } = parseS3Url(url) ?? { bucket: '', key: '' };
  if (key === '') throw new BropError('CONFIG_INVALID', `genesis: ${url}: must be s3://bucket/key.`);
  const slash = key.lastIndexOf('/');
  const files = openBlobsS3({ client: newClient(), bucket, prefix: key.slice(0, Math.max(0, slash)) });
  const name = key.slice(slash + 1);
  const persistence = new Persistence({ log, patienceMs: PATIENCE_MS });
  try {
    // What passes by itself is the cause of what the port says.
    const read = () =>
      files.read(name, { maxBytes: MAX_GENESIS_BYTES }).catch((error) => Promise.reject(error.cause ?? error));
    const bytes = await persistence.run('the genesis', read);
    if (bytes !== undefined) return bytes;
  } catch (error) {
    throw new BropError('FILE_UNREADABLE', `genesis: ${url}: ${nameOf(error)}`, { cause: error });
  }
  throw new BropError('FILE_UNREADABLE', `genesis: ${url}`);
}
