/**
 * Hosted files over S3 and DynamoDB of the emulator: forms that S3 judges, uploads that the function judges, and a bucket
 * with Object Lock. The bucket is made by the API: CloudFormation of the emulator forgets the lock.
 */
import { randomBytes } from 'node:crypto';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import type { S3Event } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { HostingAws } from '../../adapters/hosting-aws/hosting-aws.ts';
import { HostingTable } from '../../adapters/hosting-aws/hosting-table.ts';
import { Quarantine } from '../../adapters/hosting-aws/quarantine.ts';
import { SqliteIndexStore } from '../../adapters/index-sqlite/index-sqlite.ts';
import { systemClock } from '../../adapters/system/clock.ts';
import { createApi } from '../../api/app.ts';
import { hostingHandler } from '../../functions/hosting/handler.ts';
import { verifyReceipt } from '../../node-core/chain/receipt.ts';
import { finalizedBlock, finalizedGenesis } from '../../node-core/middleware/finalized-block.ts';
import { rowsOf } from '../../node-core/middleware/index/rows.ts';
import { type RecordQuery, runQuery } from '../../node-core/middleware/query/query.ts';
import type { UploadForm } from '../../node-core/ports/hosting.ts';
import { NodeBlockFeed } from '../../node-core/runtime/block-feed.ts';
import { Queries } from '../../node-core/runtime/queries.ts';
import { crypto } from '../api/in-process-node.ts';
import { type Emulator, startEmulator } from '../aws/emulator.ts';
import { ProxyRig } from '../aws/proxy-rig.ts';
import { contextWith } from './event-source.ts';

const QUARANTINE = 'quarantine';
const HOSTING = 'hosting';
/** The emulator checks the signature of a link, for which it must know the key: that of an account is its number. */
const credentials = { accessKeyId: '111122223333', secretAccessKey: 'test' };
let emulator: Emulator;
let rig: ProxyRig;
let s3: S3Client;
let serviceTable: string;
let hosting: HostingAws;
let account: string;

beforeAll(async () => {
  emulator = await startEmulator();
  rig = await ProxyRig.start(emulator);
  s3 = s3Client();
  await s3.send(new CreateBucketCommand({ Bucket: QUARANTINE }));
  await s3.send(new CreateBucketCommand({ Bucket: HOSTING, ObjectLockEnabledForBucket: true }));
  account = rig.partnerText;
}, 60_000);
afterAll(async () => {
  s3?.destroy();
  await rig?.stop();
  await emulator?.stop();
});
beforeEach(async () => {
  serviceTable = await rig.table('service', 'S');
  const { endpoint, region } = emulator;
  hosting = new HostingAws({
    ...{ crypto, clock: systemClock, dynamodb: rig.dynamodb, serviceTable, endpoint, region },
    ...{ quarantineBucket: QUARANTINE, hostingBucket: HOSTING, baseUrl: 'https://api.example/v1/hosting/files' },
    credentials: async () => credentials,
  });
});

function s3Client(): S3Client {
  const { endpoint, region } = emulator;
  return new S3Client({ endpoint, region, credentials, forcePathStyle: true });
}

function quarantine(client = s3) {
  return new Quarantine({
    ...{ s3: client, table: new HostingTable(rig.dynamodb, serviceTable), clock: systemClock },
    ...{ quarantineBucket: QUARANTINE, hostingBucket: HOSTING, lockMode: 'GOVERNANCE', retentionDays: 10 },
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
}

const handler = hostingHandler(async () => quarantine());
const eventOf = (...keys: readonly string[]) =>
  ({ Records: keys.map((key) => ({ s3: { bucket: { name: QUARANTINE }, object: { key } } })) }) as unknown as S3Event;
const wanted = (content: Uint8Array) => ({
  ...{ sha256: crypto.hash('sha-256', content), sizeBytes: content.length, mediaType: 'application/pdf' },
});

async function post({ url, fields }: UploadForm, content: Uint8Array, changed: Record<string, string> = {}) {
  const form = new FormData();
  for (const [name, value] of Object.entries({ ...fields, ...changed })) form.append(name, value);
  form.append('file', new Blob([Uint8Array.from(content)]));
  return (await fetch(url, { method: 'POST', body: form })).status;
}

async function keysIn(Bucket: string): Promise<string[]> {
  return ((await s3.send(new ListObjectsV2Command({ Bucket }))).Contents ?? []).map(({ Key }) => Key!);
}

/** As if S3 had let it through: what follows must not depend on that it does not. */
async function smuggle(id: string, content: Uint8Array): Promise<void> {
  await s3.send(new PutObjectCommand({ Bucket: QUARANTINE, Key: `incoming/${id}`, Body: content }));
}

describe('an upload that is what was said', () => {
  it('goes by the form into quarantine, and by the function under the lock; a link reads it', async () => {
    const content = randomBytes(10_000);
    const { file, form } = await hosting.ask(account, wanted(content));
    expect(file).toMatchObject({ state: 'expected', address: `https://api.example/v1/hosting/files/${file.id}` });
    expect(await post(form!, content)).toBeLessThan(300);
    await handler(eventOf(`incoming/${file.id}`), contextWith(60_000));
    const stored = (await hosting.find(file.id))!;
    expect(stored).toMatchObject({ state: 'stored', storedMs: expect.any(Number) });
    const Key = `files/${file.id}`;
    const head = await s3.send(new HeadObjectCommand({ Bucket: HOSTING, Key }));
    expect(head.ObjectLockMode).toBe('GOVERNANCE');
    expect(Math.abs(head.ObjectLockRetainUntilDate!.getTime() - stored.retainedUntilMs!)).toBeLessThan(1_001);
    const removal = new DeleteObjectCommand({ Bucket: HOSTING, Key, VersionId: head.VersionId! });
    await expect(s3.send(removal)).rejects.toMatchObject({ name: 'AccessDenied' });
    expect(await keysIn(QUARANTINE)).not.toContain(`incoming/${file.id}`);
    const answer = await fetch(await hosting.link(stored, 'request 1'));
    expect(answer.headers.get('content-type')).toBe('application/pdf');
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(new Uint8Array(content));
    expect(await hosting.ask(account, wanted(content))).toEqual({ file: stored, form: null });
    const link = new URL(await hosting.link(stored, 'request 2'));
    link.searchParams.set('X-Amz-Expires', '86400');
    expect((await fetch(link)).status).toBe(403);
  });

  it('is counted once, however often it is judged and the function dies on the way', async () => {
    const content = randomBytes(500);
    const { file } = await hosting.ask(account, wanted(content));
    await smuggle(file.id, content);
    const dying = s3Client();
    dying.middlewareStack.add(
      (next, context) => async (args) => {
        if (context.commandName === 'DeleteObjectCommand') throw new Error('the function is gone');
        return next(args);
      },
      { step: 'initialize' },
    );
    await expect(quarantine(dying).judge(file.id)).rejects.toThrow('gone');
    await Promise.all([quarantine().judge(file.id), quarantine().judge(file.id)]);
    expect(await quarantine().judge(file.id)).toBe('stored');
    expect(await hosting.usage(account)).toEqual({ files: 1, bytes: 500, served: [] });
    for (const request of ['1', '1', '2']) await hosting.link((await hosting.find(file.id))!, request);
    const month = new Date().toISOString().slice(0, 7);
    expect((await hosting.usage(account)).served).toEqual([{ month, files: 2, bytes: 1_000 }]);
  });

  it('is kept also where S3 does not say whether something is there', async () => {
    const content = randomBytes(500);
    const { file } = await hosting.ask(account, wanted(content));
    await smuggle(file.id, content);
    const blind = s3Client();
    let heads = 0;
    blind.middlewareStack.add(
      (next, context) => async (args) => {
        if (context.commandName !== 'HeadObjectCommand' || ++heads > 1) return next(args);
        const fault = { name: 'Forbidden', $fault: 'client', $metadata: { httpStatusCode: 403 } } as const;
        throw new S3ServiceException(fault);
      },
      { step: 'initialize' },
    );
    expect(await quarantine(blind).judge(file.id)).toBe('stored');
    expect(heads).toBe(2);
  });

  it('of no bytes is one too', async () => {
    const { file } = await hosting.ask(account, wanted(new Uint8Array()));
    await smuggle(file.id, new Uint8Array());
    expect(await quarantine().judge(file.id)).toBe('stored');
  });
});

describe('an upload that is something else never leaves quarantine', () => {
  const content = randomBytes(2_000);
  const other = Uint8Array.from(content);
  other[1_999]! ^= 1;

  it.each([
    ['one byte changed', other],
    ['shorter', content.subarray(1)],
    ['longer', Buffer.concat([content, Buffer.from([0])])],
    ['nothing', new Uint8Array()],
  ])('%s', async (_, uploaded) => {
    const { file } = await hosting.ask(account, wanted(content));
    await smuggle(file.id, uploaded);
    await handler(eventOf(`incoming/${file.id}`), contextWith(60_000));
    expect((await hosting.find(file.id))!.state).toBe('refused');
    await expect(s3.send(new GetObjectCommand({ Bucket: HOSTING, Key: `files/${file.id}` }))).rejects.toThrow();
    expect(await hosting.usage(account)).toMatchObject({ files: 0, bytes: 0 });
    // Asked for again and uploaded as it was said, it is taken.
    expect((await hosting.ask(account, wanted(content))).form).not.toBeNull();
  });

  it('nor does one that was changed between its reading and its copy', async () => {
    const { file } = await hosting.ask(account, wanted(content));
    await smuggle(file.id, content);
    const slow = s3Client();
    slow.middlewareStack.add(
      (next, context) => async (args) => {
        if (context.commandName === 'CopyObjectCommand') await smuggle(file.id, other);
        return next(args);
      },
      { step: 'initialize' },
    );
    await expect(quarantine(slow).judge(file.id)).rejects.toMatchObject({ name: 'PreconditionFailed' });
    expect(await keysIn(HOSTING)).not.toContain(`files/${file.id}`);
    expect(await quarantine().judge(file.id)).toBe('refused');
  });

  it.each([
    ['no bytes', { sizeBytes: 0 }, 'refused', { files: 0, bytes: 0 }],
    ['another media type', { mediaType: 'text/html' }, 'stored', { files: 1, bytes: 2_000 }],
  ] as const)(
    'nor one of which %s was said while it was judged, before it is judged anew',
    async (_, said, verdict, sums) => {
      const content = randomBytes(2_000);
      const { file } = await hosting.ask(account, wanted(content));
      await smuggle(file.id, content);
      const slow = s3Client();
      slow.middlewareStack.add(
        (next, context) => async (args) => {
          if (context.commandName === 'HeadObjectCommand') await hosting.ask(account, { ...wanted(content), ...said });
          return next(args);
        },
        { step: 'initialize' },
      );
      await expect(quarantine(slow).judge(file.id)).rejects.toThrow('while it was judged');
      expect((await hosting.find(file.id))!).toMatchObject({ ...said, state: 'expected' });
      expect(await hosting.usage(account)).toMatchObject({ files: 0, bytes: 0 });
      expect(await quarantine().judge(file.id)).toBe(verdict);
      expect(await hosting.usage(account)).toMatchObject(sums);
    },
  );

  it('nor one that nobody asked for, or of another name', async () => {
    const id = `file_${'0'.repeat(64)}`;
    await smuggle(id, content);
    await handler(eventOf(`incoming/${id}`, `files/${id}`, 'incoming/..%2Ffiles', 'x'), contextWith(60_000));
    expect(await keysIn(HOSTING)).not.toContain(`files/${id}`);
    expect(await quarantine().judge(id)).toBe('unknown');
  });
});

describe('the form', () => {
  it.each([
    ['another key', { key: 'incoming/other' }],
    ['another digest', { 'x-amz-checksum-sha256': Buffer.alloc(32).toString('base64') }],
    ['another media type', { 'Content-Type': 'text/html' }],
  ])('is not taken with %s', async (_, changed) => {
    const content = randomBytes(100);
    const { form } = await hosting.ask(account, wanted(content));
    expect(await post(form!, content, changed)).toBeGreaterThanOrEqual(400);
  });

  // S3 refuses another digest too (x-amz-checksum-sha256); the emulator does not look, so that is not tested here.
  it('is not taken with a file of another length', async () => {
    const content = randomBytes(100);
    const { form } = await hosting.ask(account, wanted(content));
    for (const length of [0, 99, 101]) expect(await post(form!, randomBytes(length))).toBeGreaterThanOrEqual(400);
    expect(form!.fields['x-amz-checksum-sha256']).toBe(Buffer.from(wanted(content).sha256).toString('base64'));
  });
});

describe('with the SDK', () => {
  /** The API over the chain of the rig; what is posted to S3 is judged at once. */
  async function site() {
    const { node } = rig.running;
    const index = new SqliteIndexStore(':memory:');
    await index.open('chain', 0);
    const feed = new NodeBlockFeed(node);
    const search = async (query: RecordQuery) => {
      const { watermark } = await index.progress();
      const blocks = [];
      for (let height = watermark + 1; height <= feed.height; height++) {
        const block =
          height === 0
            ? finalizedGenesis(crypto, node.store.genesis)
            : finalizedBlock(crypto, (await feed.block(height))!);
        blocks.push(rowsOf(block));
      }
      await index.apply(blocks);
      return runQuery(crypto, index, query);
    };
    const api = createApi({
      ...{ chain: new Queries(crypto, systemClock, node), clock: systemClock, crypto, hosting, records: { search } },
      log: { debug() {}, info() {}, warn() {}, error: (text, fields) => console.error(text, fields) },
      authentication: { origins: ['http://node.example'] },
    });
    return api;
  }

  async function uploading(change: (form: FormData) => void = () => {}) {
    const api = await site();
    const fetchOf = async (url: string, init: RequestInit): Promise<Response> => {
      if (url.startsWith('http://node.example')) return api.request(url, init);
      const form = init.body as FormData;
      change(form);
      const answer = await fetch(url, init);
      await handler(eventOf(String(form.get('key'))), contextWith(60_000));
      return answer;
    };
    return { api, client: rig.clientOf(fetchOf) };
  }

  it('a file is uploaded, registered with its address, and public from then on', async () => {
    const { api, client } = await uploading();
    const content = new Uint8Array(randomBytes(3_000));
    const { file, record, receipt } = await client.hosting.upload(content, {
      mediaType: 'text/plain',
      subject: 'lot 1',
    });
    expect(file).toMatchObject({ state: 'stored', account, sizeBytes: 3_000 });
    expect(record).toHaveLength(32);
    const summary = verifyReceipt(crypto, receipt, rig.running.consortium.genesis.hash);
    expect(summary).not.toHaveProperty('code', expect.any(String));
    const answer = await api.request(`/v1/hosting/files/${file.id}`);
    expect(answer.status).toBe(302);
    const downloaded = await fetch(answer.headers.get('Location')!);
    expect(new Uint8Array(await downloaded.arrayBuffer())).toEqual(content);
    expect(await hosting.usage(account)).toMatchObject({
      files: 1,
      bytes: 3_000,
      served: [{ files: 1, bytes: 3_000 }],
    });
  });

  it('what was changed on the way is not registered, and stays where it is', async () => {
    const { client } = await uploading((form) => {
      // Of the same length: the emulator lets it through.
      form.set('file', new Blob([randomBytes(3_000)]));
    });
    await expect(client.hosting.upload(new Uint8Array(randomBytes(3_000)))).rejects.toMatchObject({
      code: 'PROOF_FILE',
    });
    expect(await hosting.usage(account)).toMatchObject({ files: 0 });
  });

  it('a file that is stored and not registered is nobody’s to download', async () => {
    const api = await site();
    const content = randomBytes(100);
    const { file } = await hosting.ask(account, wanted(content));
    await smuggle(file.id, content);
    await quarantine().judge(file.id);
    expect((await api.request(`/v1/hosting/files/${file.id}`)).status).toBe(404);
  });
});
