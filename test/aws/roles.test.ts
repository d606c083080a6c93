/** What nodes and functions ask AWS for, compared with what the roles of their deployment allow: the emulator enforces none. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Persistence } from '../../adapters/aws/persistence.ts';
import { openBlobsS3 } from '../../adapters/blobs-s3/blobs-s3.ts';
import { Table } from '../../adapters/dynamodb/table.ts';
import { HostingAws } from '../../adapters/hosting-aws/hosting-aws.ts';
import { HostingTable } from '../../adapters/hosting-aws/hosting-table.ts';
import { Quarantine } from '../../adapters/hosting-aws/quarantine.ts';
import { DynamoDbIndexStore } from '../../adapters/index-dynamodb/index-dynamodb.ts';
import { journalDynamoDb } from '../../adapters/journal-dynamodb/journal.ts';
import { LedgerFeed } from '../../adapters/ledger-dynamodb/ledger-feed.ts';
import { LedgerReader } from '../../adapters/ledger-dynamodb/ledger-reader.ts';
import { sqsOutbox } from '../../adapters/outbox-sqs/outbox-sqs.ts';
import { dynamoDbAuditLog } from '../../adapters/service-dynamodb/audit-log.ts';
import { DynamoDbSubscriptionStore } from '../../adapters/subscriptions-dynamodb/subscriptions-dynamodb.ts';
import { systemClock } from '../../adapters/system/clock.ts';
import { systemRandom } from '../../adapters/system/random.ts';
import { voteRecordDynamoDb } from '../../adapters/vote-record-dynamodb/vote-record.ts';
import { webhookHttp } from '../../adapters/webhook-http/webhook-http.ts';
import { proxyApi } from '../../functions/api/compose.ts';
import { Upstream } from '../../functions/api/upstream.ts';
import { ChainIndex } from '../../functions/indexer/chain-index.ts';
import { openSubscriptions } from '../../functions/shared/subscriptions.ts';
import { notify } from '../../node-core/middleware/delivery/notify.ts';
import { tellingOwner } from '../../node-core/middleware/delivery/owner-notice.ts';
import { Pinger } from '../../node-core/middleware/delivery/pinger.ts';
import { Worker } from '../../node-core/middleware/delivery/worker.ts';
import { EventLog } from '../../node-core/middleware/events/event-log.ts';
import { crypto } from '../api/in-process-node.ts';
import { type Emulator, startEmulator } from './emulator.ts';
import { ProxyRig } from './proxy-rig.ts';
import { Role, type Statement } from './roles.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const FUNCTIONS = ['api', 'indexer', 'webhooks', 'hosting'];
const log = { debug() {}, info() {}, warn() {}, error() {} };
const common = { clock: systemClock, random: systemRandom, master: new Uint8Array(32).fill(7) };

const folder = mkdtempSync(join(tmpdir(), 'brop-roles-'));
let emulator: Emulator;
let rig: ProxyRig;
/** Names in the emulator of what the templates call so. */
const names = { ProxyLedger: '', ProxyIndex: '', ProxyService: '', Votes: '', Proposals: '', Deliveries: '' };
const buckets = { BucketsFilesvalidator0: 'files', BucketsQuarantine: 'quarantine', BucketsHosting: 'hosting' };
let endpoints: Server;
let gone: string;

beforeAll(async () => {
  synthesize();
  emulator = await startEmulator();
  rig = await ProxyRig.start(emulator);
  for (const name of ['ProxyLedger', 'ProxyService', 'Proposals'] as const) names[name] = await rig.table(name, 'S');
  names.ProxyIndex = await rig.table('index', 'B');
  names.Votes = await rig.table('votes', null);
  const queue = new CreateQueueCommand({ QueueName: 'deliveries' });
  names.Deliveries = (await new SQSClient(settings()).send(queue)).QueueUrl!;
  for (const Bucket of Object.values(buckets))
    await s3().send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: Bucket === buckets.BucketsHosting }));
  endpoints = createServer((request, response) => {
    request.resume().once('end', () => response.writeHead(request.url === '/gone' ? 410 : 204).end());
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => endpoints.once('listening', resolve));
  gone = `http://127.0.0.1:${(endpoints.address() as AddressInfo).port}`;
}, 120_000);
afterAll(async () => {
  endpoints?.close();
  await rig?.stop();
  await emulator?.stop();
  rmSync(folder, { recursive: true });
});

const settings = () => {
  const { endpoint, region, credentials } = emulator;
  return { endpoint, region, credentials };
};
const s3 = () => new S3Client({ ...settings(), forcePathStyle: true });

/** The devnet, with bundles that nobody calls. */
function synthesize(): void {
  for (const name of FUNCTIONS) {
    mkdirSync(join(folder, 'functions', name), { recursive: true });
    writeFileSync(join(folder, 'functions', name, 'index.mjs'), '');
  }
  const of = { BROP_DEPLOYMENT: 'devnet', BROP_BUNDLES: join(folder, 'functions'), CDK_OUTDIR: folder };
  const app = join(ROOT, 'cdk', 'app.ts');
  const { status, stderr } = spawnSync(process.execPath, [app], { env: { ...process.env, ...of }, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

function roleOf(stack: string, id: string): Role {
  const text = readFileSync(join(folder, `Brop-devnet-${stack}.template.json`), 'utf8');
  type Policy = { readonly Type: string; readonly Properties: { PolicyDocument: { Statement: Statement[] } } };
  const { Resources } = JSON.parse(text) as { readonly Resources: Readonly<Record<string, Policy>> };
  const statements = Object.entries(Resources)
    .filter(([name, { Type }]) => Type === 'AWS::IAM::Policy' && name.startsWith(id))
    .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement);
  const places = Object.entries({ ...names, ...buckets }).map(([place, name]) => [name, place] as const);
  return new Role(statements, new Map(places));
}

/** Clients that a role is asked about. */
function clientsOf(role: Role) {
  return { dynamodb: role.watch(rig.client()), sqs: role.watch(new SQSClient(settings())), s3: role.watch(s3()) };
}

function expectAllowed(role: Role, ...asked: readonly string[]): void {
  for (const one of asked) expect([...role.asked].map((text) => text.split(' ', 2).join(' '))).toContain(one);
  expect([...role.refused]).toEqual([]);
}

async function ledgerOf(dynamodb: ReturnType<typeof rig.client>) {
  const reader = await LedgerReader.open(crypto, dynamodb, names.ProxyLedger);
  const feed = await LedgerFeed.open(reader);
  return { reader, feed, events: new EventLog(crypto, reader.genesis.hash, feed) };
}

test('what a role does not allow is noticed', async () => {
  const role = roleOf('Proxy', 'WebhooksRole');
  const { dynamodb, s3: objects } = clientsOf(role);
  const service = new Table(dynamodb, names.ProxyService);
  await service.get({ pk: { S: 'token-keys' }, sk: { S: '1' } });
  await service.put({ Item: { pk: { S: 'owner/x' }, sk: { S: 'subscriptions' } } });
  await openBlobsS3({ client: objects, bucket: buckets.BucketsHosting, prefix: 'files' }).size('anchor.cbor');
  expect([...role.refused]).toEqual([
    'dynamodb:GetItem ProxyService token-keys',
    'dynamodb:PutItem ProxyService owner/x',
    's3:GetObject BucketsHosting files/anchor.cbor',
  ]);
});

describe('the role of', () => {
  test('a validator: vote record, journal, plain files in one piece and in parts', async () => {
    const role = roleOf('Validator0', 'NodeTaskRole');
    const { dynamodb: client, s3: objects } = clientsOf(role);
    const record = voteRecordDynamoDb({ client, table: names.Votes, key: 'validator-0', create: true });
    const { position } = await record.open();
    await record.compareAndSwap(position, Uint8Array.of(1));
    await record.read();
    const persistence = new Persistence({ log });
    const journal = journalDynamoDb({ client, table: names.Proposals, scope: 'validator-0', persistence });
    await journal.put(1, 'block', randomBytes(500_000));
    await journal.put(1, 'proposal', Uint8Array.of(1));
    await journal.read(1);
    await journal.remove(1, ['proposal']);
    await journal.forget(1);
    const files = openBlobsS3({ client: objects, bucket: buckets.BucketsFilesvalidator0, prefix: 'files' });
    await files.put('anchor.cbor', [Uint8Array.of(1)]);
    await files.put('segments/x', [new Uint8Array(8 << 20), Uint8Array.of(1)]);
    const broken = async function* () {
      yield new Uint8Array(8 << 20);
      yield new Uint8Array(8 << 20);
      throw new Error('broken off');
    };
    await expect(files.put('segments/y', broken())).rejects.toThrow();
    await files.read('anchor.cbor');
    await files.size('anchor.cbor');
    await files.list('segments/');
    await files.remove('anchor.cbor');
    expectAllowed(role, 'dynamodb:PutItem Votes', 'dynamodb:BatchWriteItem Proposals', 'dynamodb:Query Proposals');
    expectAllowed(role, 's3:AbortMultipartUpload BucketsFilesvalidator0', 's3:ListBucket BucketsFilesvalidator0');
  });

  test('the follower, that copies the chain into the ledger table', async () => {
    const role = roleOf('Proxy', 'NodeTaskRole');
    const writer = rig.writer(names.ProxyLedger, clientsOf(role).dynamodb);
    writer.start();
    await rig.register('a', 'bb');
    await rig.caughtUp(writer);
    await writer.stop();
    expectAllowed(role, 'dynamodb:BatchWriteItem ProxyLedger', 'dynamodb:PutItem ProxyLedger');
  });

  test('the API: what is final, who logs in, subscriptions, forms and links', async () => {
    const role = roleOf('Proxy', 'ApiFunctionRole');
    const { dynamodb, sqs } = clientsOf(role);
    const { region, endpoint, credentials } = emulator;
    const [serviceTable, queueUrl] = [names.ProxyService, names.Deliveries];
    const hosting = new HostingAws({
      ...{ crypto, clock: systemClock, dynamodb, serviceTable, region, endpoint },
      ...{ quarantineBucket: buckets.BucketsQuarantine, hostingBucket: buckets.BucketsHosting },
      ...{ baseUrl: 'https://api.example/files', credentials: async () => credentials },
    });
    const subscriptions = (events: EventLog) =>
      openSubscriptions({ ...common, events, dynamodb, sqs, serviceTable, queueUrl, loopback: true });
    const api = await proxyApi({
      ...{ dynamodb, subscriptions, hosting, log, clock: systemClock, limits: {} },
      tables: { ledger: names.ProxyLedger, index: names.ProxyIndex, service: serviceTable },
      upstream: new Upstream('http://follower.internal', async (url, init) => rig.running.api.request(url, init)),
      ...{ origins: ['https://api.example'], challengeSecret: new Uint8Array(32).fill(1) },
    });
    const ask = (path: string, init?: RequestInit) =>
      api.fetch(new Request(`https://api.example${path}`, init), { remoteAddress: '192.0.2.1', requestId: '1' });
    expect((await ask('/v1/status')).status).toBe(200);
    expect((await ask('/v1/events?after=0')).status).toBe(200);
    await ask('/v1/records?collection=evidence');
    const json = { method: 'POST', headers: { 'Content-Type': 'application/json' } };
    const challenge = JSON.stringify({ account: rig.partnerText, scopes: ['audit:read'] });
    expect((await ask('/v1/auth/challenge', { ...json, body: challenge })).status).toBe(200);
    await api.flush();
    const { events } = await ledgerOf(dynamodb);
    const access = subscriptions(events);
    for (const path of ['/gone', '/kept']) {
      const wanted = { url: `${gone}${path}`, description: '', types: ['evidence.registered'], filter: {} };
      await access.create('owner', { ...wanted, scheme: 'v1a', from: null });
    }
    const content = Buffer.from('content');
    const wanted = { sha256: crypto.hash('sha-256', content), sizeBytes: content.length, mediaType: 'text/plain' };
    const { file } = await hosting.ask(rig.partnerText, wanted);
    await hosting.link(file, 'request');
    await hosting.usage(rig.partnerText);
    await s3().send(
      new PutObjectCommand({ Bucket: buckets.BucketsQuarantine, Key: `incoming/${file.id}`, Body: content }),
    );
    expectAllowed(role, 'dynamodb:GetItem ProxyIndex', 'dynamodb:PutItem ProxyService', 'sqs:SendMessage Deliveries');
  });

  test('the indexer: index, and who is to be told', async () => {
    const role = roleOf('Proxy', 'IndexerRole');
    const { dynamodb, sqs } = clientsOf(role);
    const { reader, feed, events } = await ledgerOf(dynamodb);
    const store = new DynamoDbSubscriptionStore(dynamodb, names.ProxyService);
    const outbox = sqsOutbox(sqs, names.Deliveries);
    const index = new ChainIndex({
      ...{ crypto, genesis: reader.genesis, feed, log, store: new DynamoDbIndexStore(dynamodb, names.ProxyIndex) },
      notify: (signal) => notify({ store, events, outbox, signal }),
    });
    await index.catchUp(new AbortController().signal);
    await rig.register('ccc');
    await rig.copy(names.ProxyLedger);
    await index.catchUp(new AbortController().signal);
    expectAllowed(role, 'dynamodb:UpdateItem ProxyService', 'sqs:SendMessage Deliveries');
  });

  test('the function that delivers: an endpoint that is kept, one that is gone, and its owner who is told', async () => {
    const role = roleOf('Proxy', 'WebhooksRole');
    const { dynamodb, sqs } = clientsOf(role);
    const { reader, feed, events } = await ledgerOf(dynamodb);
    const store = new DynamoDbSubscriptionStore(dynamodb, names.ProxyService);
    const outbox = sqsOutbox(sqs, names.Deliveries);
    const transport = webhookHttp({ loopback: true });
    const audit = dynamoDbAuditLog(new Table(dynamodb, names.ProxyService), log);
    const tell = tellingOwner({ ...common, store, outbox, audit });
    const worker = new Worker({
      ...{ ...common, store, log, transport, events, receipts: reader, attemptMs: 1_000 },
      refresh: () => feed.refresh(),
      tellOwner: async (subscription, reason) => {
        await tell(subscription, reason);
        await audit.flush();
      },
    });
    const due = await store.due(Date.now());
    expect(due).toHaveLength(2);
    for (const id of due) await worker.run(id, Date.now() + 10_000);
    await new Pinger({ ...common, store, transport, outbox }).send(due[0]!, 'ping_1');
    expectAllowed(role, 'dynamodb:PutItem ProxyService', 'sqs:SendMessage Deliveries');
    expect([...role.asked].filter((text) => / (audit|owner)\//.test(text))).toEqual([
      'dynamodb:PutItem ProxyService audit/owner',
      'dynamodb:GetItem ProxyService owner/owner',
    ]);
  });

  test('the function that judges uploads', async () => {
    const role = roleOf('Proxy', 'HostingRole');
    const { dynamodb, s3: objects } = clientsOf(role);
    const judge = new Quarantine({
      ...{ s3: objects, log, clock: systemClock, table: new HostingTable(dynamodb, names.ProxyService) },
      ...{ quarantineBucket: buckets.BucketsQuarantine, hostingBucket: buckets.BucketsHosting },
      ...{ lockMode: 'GOVERNANCE', retentionDays: 1 },
    });
    const [upload] = await openBlobsS3({ client: s3(), bucket: buckets.BucketsQuarantine, prefix: 'incoming' }).list(
      '',
    );
    expect(await judge.judge(upload!)).toBe('stored');
    expect(await judge.judge(upload!)).toBe('stored');
    expectAllowed(role, 's3:GetObject BucketsQuarantine', 's3:PutObject BucketsHosting');
    expectAllowed(role, 's3:PutObjectRetention BucketsHosting', 'dynamodb:UpdateItem ProxyService');
  });
});
