/** The ports Blobs and ChainFiles on a bucket of S3, below a prefix. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { isImmutable, parseChainPath } from '../../node-core/chain/file-paths.ts';
import type { Blobs } from '../../node-core/ports/blobs.ts';
import type { ByteRange } from '../../node-core/ports/chain-files.ts';
import { StoreError } from '../../node-core/ports/key-value-store.ts';
import { nameOf } from '../aws/persistence.ts';
import { inPieces } from './pieces.ts';

export interface S3Place {
  readonly client: Pick<S3Client, 'send'>;
  readonly bucket: string;
  /** What the keys begin with, without a slash at its end; empty: the whole bucket. */
  readonly prefix: string;
  /** Ends the requests under way; those and all later ones reject. */
  readonly signal?: AbortSignal | undefined;
}

const DEFAULT_MAX_BYTES = 64 << 20;
const MAX_PATH_CHARACTERS = 240;
const PART = /^[a-z0-9_-][a-z0-9._-]*$/;
/** What is longer goes in parts of this size, so that memory holds two at most; S3 takes 10,000 of them: 78 GiB. */
const PIECE_BYTES = 8 << 20;
/** Names of errors without a code. */
const AT_THE_NETWORK: readonly string[] = ['TimeoutError', 'AbortError', 'CredentialsProviderError'];

/**
 * Objects are written whole or not at all, and are durable when `put` resolves; S3 reads what was written last.
 * @example
 * const blobs = openBlobsS3({ client: new S3Client({}), bucket: 'example', prefix: 'chain' });
 */
export function openBlobsS3(place: S3Place): Blobs {
  return new BlobsS3(place);
}

class BlobsS3 implements Blobs {
  private readonly client: S3Place['client'];
  private readonly options: { readonly abortSignal?: AbortSignal };
  private readonly bucket: string;
  private readonly base: string;

  constructor({ client, bucket, prefix, signal }: S3Place) {
    this.client = client;
    this.options = signal === undefined ? {} : { abortSignal: signal };
    this.bucket = bucket;
    this.base = prefix === '' ? '' : `${prefix}/`;
  }

  async read(
    path: string,
    { range, maxBytes = DEFAULT_MAX_BYTES }: { readonly range?: ByteRange; readonly maxBytes?: number } = {},
  ): Promise<Uint8Array | undefined> {
    const target = this.target(path);
    if (range?.length === 0) return (await this.size(path)) === undefined ? undefined : new Uint8Array(0);
    const part = range && { Range: `bytes=${range.offset}-${range.offset + range.length - 1}` };
    try {
      const { Body: body, ContentLength: length } = await this.client.send(
        new GetObjectCommand({ ...target, ...part }),
        this.options,
      );
      if (body === undefined || length === undefined)
        throw new StoreError('io', `${this.nameOf(path)}: S3 sent nothing`);
      if (length > maxBytes) {
        // Or the connection would wait for somebody to read it.
        if ('destroy' in body) body.destroy();
        throw new StoreError('io', `${this.nameOf(path)} has ${length} bytes, and ${maxBytes} are allowed`);
      }
      const bytes = await body.transformToByteArray();
      if (bytes.length !== length)
        throw new StoreError('io', `${this.nameOf(path)}: ${bytes.length} of ${length} bytes`);
      return bytes;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      if (range !== undefined && statusOf(error) === 416) return new Uint8Array(0);
      throw this.storeError(error, 'reading', path);
    }
  }

  async size(path: string): Promise<number | undefined> {
    const target = this.target(path);
    try {
      return (await this.client.send(new HeadObjectCommand(target), this.options)).ContentLength;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw this.storeError(error, 'looking at', path);
    }
  }

  async put(path: string, content: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
    const target = this.target(path);
    const pieces = inPieces(content, PIECE_BYTES);
    const first = await pieces.next();
    const begin = first.value ?? new Uint8Array(0);
    const described = { ...target, ...descriptionOf(path) };
    const second = begin.length < PIECE_BYTES ? undefined : (await pieces.next()).value;
    try {
      if (second === undefined)
        await this.client.send(new PutObjectCommand({ ...described, Body: begin }), this.options);
      else await this.putParts(described, followed(begin, second, pieces));
    } catch (error) {
      throw this.storeError(error, 'writing', path);
    }
  }

  /** Nothing of it is seen before all is there; what breaks off leaves nothing that is paid for. */
  private async putParts(target: Target, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const { UploadId } = await this.client.send(new CreateMultipartUploadCommand(target), this.options);
    const upload = { Bucket: target.Bucket, Key: target.Key, UploadId };
    try {
      const parts: { readonly ETag: string | undefined; readonly PartNumber: number }[] = [];
      for await (const piece of pieces) {
        const PartNumber = parts.length + 1;
        const { ETag } = await this.client.send(
          new UploadPartCommand({ ...upload, PartNumber, Body: piece }),
          this.options,
        );
        parts.push({ ETag, PartNumber });
      }
      await this.client.send(
        new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } }),
        this.options,
      );
    } catch (error) {
      // A rule of the bucket ends those that a crash leaves.
      await this.client.send(new AbortMultipartUploadCommand(upload)).catch(() => {});
      throw error;
    }
  }

  async list(prefix: string): Promise<readonly string[]> {
    const paths: string[] = [];
    try {
      for (let next: string | undefined, isFirst = true; isFirst || next !== undefined; isFirst = false) {
        const token = next === undefined ? {} : { ContinuationToken: next };
        const answer = await this.client.send(
          new ListObjectsV2Command({ Bucket: this.bucket, Prefix: this.base + prefix, ...token }),
          this.options,
        );
        for (const { Key } of answer.Contents ?? []) if (Key !== undefined) paths.push(Key.slice(this.base.length));
        next = answer.NextContinuationToken;
      }
    } catch (error) {
      throw this.storeError(error, 'listing', prefix);
    }
    return paths.sort(byCodeUnit);
  }

  async remove(path: string): Promise<void> {
    const target = this.target(path);
    try {
      await this.client.send(new DeleteObjectCommand(target), this.options);
    } catch (error) {
      if (!isAbsent(error)) throw this.storeError(error, 'removing', path);
    }
  }

  private target(path: string): Target {
    if (path.length > MAX_PATH_CHARACTERS || !path.split('/').every((part) => PART.test(part)))
      throw new RangeError(`${JSON.stringify(path)} is not the path of a file of a chain`);
    return { Bucket: this.bucket, Key: this.base + path };
  }

  private nameOf(path: string): string {
    return `s3://${this.bucket}/${this.base}${path}`;
  }

  /** Errors of AWS and of the network; those of whoever made the content pass through. */
  private storeError(error: unknown, doing: string, path: string): unknown {
    const isOurs =
      error instanceof Error && ('$metadata' in error || 'code' in error || AT_THE_NETWORK.includes(error.name));
    if (error instanceof StoreError || !isOurs) return error;
    return new StoreError('io', `${doing} ${this.nameOf(path)} failed: ${nameOf(error)}`, { cause: error });
  }
}

interface Target {
  readonly Bucket: string;
  readonly Key: string;
}

async function* followed(first: Uint8Array, second: Uint8Array, rest: AsyncIterable<Uint8Array>) {
  yield first;
  yield second;
  yield* rest;
}

/** As a node's own HTTP server sends the file (docs/spec/files.md §7): a CDN in front of the bucket passes it on. */
function descriptionOf(path: string): { readonly ContentType: string; readonly CacheControl: string } {
  const file = parseChainPath(path);
  const isText = file !== undefined && ['checkpoint', 'checkpointKey', 'snapshotIndex'].includes(file.kind);
  return {
    ContentType: isText ? 'text/plain; charset=utf-8' : 'application/octet-stream',
    CacheControl: file !== undefined && isImmutable(file) ? 'public, max-age=31536000, immutable' : 'no-cache',
  };
}

function statusOf(error: unknown): number | undefined {
  return (error as { readonly $metadata?: { readonly httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode;
}

/** A bucket that is not there is something else: nothing can be read from it, and nobody must think that it is empty. */
function isAbsent(error: unknown): boolean {
  return statusOf(error) === 404 && (error as Error).name !== 'NoSuchBucket';
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
