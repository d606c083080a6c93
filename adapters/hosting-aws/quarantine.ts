/**
 * What was uploaded is read whole, and only when every byte is what was said it goes where nobody can change or delete it.
 * Anything else stays in quarantine, which forgets it after a day.
 */
import { createHash } from 'node:crypto';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  type ObjectLockMode,
  PutObjectRetentionCommand,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { equal, toHex } from '../../node-core/codec/bytes.ts';
import type { Clock } from '../../node-core/ports/clock.ts';
import type { Log } from '../../node-core/ports/log.ts';
import type { HostingTable, StoredFile } from './hosting-table.ts';
import { hostingKey, quarantineKey } from './object-urls.ts';

export interface QuarantineParts {
  readonly s3: S3Client;
  readonly table: HostingTable;
  readonly quarantineBucket: string;
  /** With Object Lock. */
  readonly hostingBucket: string;
  /** COMPLIANCE: not even the account's root deletes it before its time. */
  readonly lockMode: ObjectLockMode;
  readonly retentionDays: number;
  readonly clock: Clock;
  readonly log: Log;
}

export type Verdict = 'stored' | 'refused' | 'unknown' | 'gone';

const DAY_MS = 86_400_000;

export class Quarantine {
  private readonly parts: QuarantineParts;

  constructor(parts: QuarantineParts) {
    this.parts = parts;
  }

  /**
   * Judges one upload. May be called again at any point.
   * @returns unknown: nobody has asked for such a file. gone: it is not, or not any more, in quarantine.
   */
  async judge(id: string): Promise<Verdict> {
    const { table, log } = this.parts;
    const file = await table.find(id);
    if (file === undefined) return 'unknown';
    if (file.state === 'stored') {
      await this.discard(id);
      return 'stored';
    }
    const found = await this.read(file);
    if (found === null) return 'gone';
    if (found.fault !== null) {
      await table.refused(id);
      log.warn('an upload is not what was said', { file: id, fault: found.fault });
      return 'refused';
    }
    await this.keep(file, found.etag);
    return 'stored';
  }

  /** The whole content, looked at and not kept. */
  private async read(file: StoredFile): Promise<{ readonly etag: string; readonly fault: string | null } | null> {
    const { s3, quarantineBucket: Bucket } = this.parts;
    const answer = await s3.send(new GetObjectCommand({ Bucket, Key: quarantineKey(file.id) })).catch(notThere);
    if (answer === null) return null;
    const etag = answer.ETag!;
    const hash = createHash('sha256');
    let length = 0;
    for await (const chunk of answer.Body as AsyncIterable<Uint8Array>) {
      length += chunk.length;
      if (length > file.sizeBytes) return { etag, fault: 'longer than was said' };
      hash.update(chunk);
    }
    if (length < file.sizeBytes) return { etag, fault: 'shorter than was said' };
    return { etag, fault: equal(hash.digest(), file.sha256) ? null : 'another digest' };
  }

  private async keep(file: StoredFile, etag: string): Promise<void> {
    const { s3, table, hostingBucket: Bucket, lockMode: Mode, retentionDays, clock } = this.parts;
    const nowMs = clock.now();
    const until = new Date(nowMs + retentionDays * DAY_MS);
    const Key = hostingKey(file.id);
    const head = () => s3.send(new HeadObjectCommand({ Bucket, Key })).catch(notToBeSeen);
    // A copy of an earlier try is as good, and cannot be deleted anyway.
    if ((await head()) === null) await this.copy(file, etag, until);
    // What is not locked is not stored, whatever the copy was asked for.
    let locked = (await head())?.ObjectLockRetainUntilDate;
    if (locked === undefined) {
      locked = until;
      await s3.send(new PutObjectRetentionCommand({ Bucket, Key, Retention: { Mode, RetainUntilDate: until } }));
    }
    await table.stored(file, nowMs, locked.getTime());
    await this.discard(file.id);
  }

  /** What is copied is what was read: on the condition of its entity tag. */
  private async copy({ id, mediaType, sha256, account }: StoredFile, etag: string, until: Date): Promise<void> {
    const { s3, quarantineBucket, hostingBucket: Bucket, lockMode: ObjectLockMode } = this.parts;
    const copy = new CopyObjectCommand({
      ...{ Bucket, Key: hostingKey(id), CopySource: `${quarantineBucket}/${quarantineKey(id)}` },
      ...{ CopySourceIfMatch: etag, MetadataDirective: 'REPLACE', ContentType: mediaType },
      ...{ Metadata: { sha256: toHex(sha256), account }, ChecksumAlgorithm: 'SHA256' },
      ...{ ObjectLockMode, ObjectLockRetainUntilDate: until },
    });
    await s3.send(copy);
  }

  private async discard(id: string): Promise<void> {
    const { s3, quarantineBucket: Bucket } = this.parts;
    await s3.send(new DeleteObjectCommand({ Bucket, Key: quarantineKey(id) }));
  }
}

/**
 * S3 answers 403 for what is not there to whoever may not list the bucket, or lists it under a condition. Whoever may do
 * nothing at all learns that from the copy.
 */
function notToBeSeen(error: unknown): null {
  if (error instanceof S3ServiceException && error.$metadata.httpStatusCode === 403) return null;
  return notThere(error);
}

function notThere(error: unknown): null {
  if (error instanceof Error && ['NoSuchKey', 'NotFound'].includes(error.name)) return null;
  throw error;
}
