import { randomBytes } from 'node:crypto';
import { CreateBucketCommand, HeadObjectCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openBlobsS3 } from '../../adapters/blobs-s3/blobs-s3.ts';
import { type Emulator, startEmulator } from '../aws/emulator.ts';
import { describeBlobs } from './blobs.ts';

const BUCKET = 'files';
let emulator: Emulator;
let client: S3Client;

beforeAll(async () => {
  emulator = await startEmulator();
  const { endpoint, region, credentials } = emulator;
  client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
}, 60_000);
afterAll(async () => {
  client?.destroy();
  await emulator?.stop();
});

const fresh = () => randomBytes(6).toString('hex');

describeBlobs('S3', async () => {
  const place = { client, bucket: BUCKET, prefix: fresh() };
  return { blobs: openBlobsS3(place), reopen: async () => openBlobsS3(place), cleanup: async () => {} };
});

it('what is longer than a part arrives whole, and what breaks off leaves neither object nor parts', async () => {
  const blobs = openBlobsS3({ client, bucket: BUCKET, prefix: fresh() });
  const piece = randomBytes(3 << 20);
  const long = function* (broken: boolean) {
    for (let n = 0; n < 7; n++) yield piece;
    if (broken) throw new Error('no more');
  };
  await blobs.put('blocks/000', long(false));
  expect(await blobs.size('blocks/000')).toBe(21 << 20);
  const offset = (18 << 20) - 5;
  const end = await blobs.read('blocks/000', { range: { offset, length: 10 } });
  expect(Buffer.from(end!)).toEqual(Buffer.concat([piece.subarray(-5), piece.subarray(0, 5)]));
  await expect(blobs.put('blocks/001', long(true))).rejects.toThrow('no more');
  expect(await blobs.size('blocks/001')).toBeUndefined();
  const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }));
  expect(Uploads ?? []).toEqual([]);
});

it('says of a bucket that is not there that it cannot be read, not that it is empty', async () => {
  const nowhere = openBlobsS3({ client, bucket: 'no-such-bucket', prefix: '' });
  await expect(nowhere.read('anchor.cbor')).rejects.toMatchObject({ code: 'io' });
  await expect(nowhere.put('anchor.cbor', [])).rejects.toMatchObject({ code: 'io' });
});

it('a CDN learns from the objects what it may keep', async () => {
  const prefix = fresh();
  const blobs = openBlobsS3({ client, bucket: BUCKET, prefix });
  for (const path of ['checkpoint', 'blocks/000']) await blobs.put(path, [Uint8Array.of(1)]);
  const head = async (path: string) => {
    const { ContentType, CacheControl } = await client.send(
      new HeadObjectCommand({ Bucket: BUCKET, Key: `${prefix}/${path}` }),
    );
    return [ContentType, CacheControl];
  };
  expect(await head('checkpoint')).toEqual(['text/plain; charset=utf-8', 'no-cache']);
  expect(await head('blocks/000')).toEqual(['application/octet-stream', 'public, max-age=31536000, immutable']);
});

it('lists more than one page', async () => {
  const blobs = openBlobsS3({ client, bucket: BUCKET, prefix: fresh() });
  const paths = Array.from({ length: 1_003 }, (_, n) => `state/${String(n).padStart(4, '0')}`);
  for (let at = 0; at < paths.length; at += 20) {
    await Promise.all(paths.slice(at, at + 20).map((path) => blobs.put(path, [])));
  }
  expect(await blobs.list('state/')).toEqual(paths);
}, 60_000);
