/**
 * The webhook function over a real chain's ledger table, the service table and the queue in the emulator, and endpoints on
 * this machine: what is registered arrives with its receipt, whatever is lost.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { base64urlnopad } from '@scure/base';
import type { SQSEvent, SQSRecord } from 'aws-lambda';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sqsOutbox } from '../../adapters/outbox-sqs/outbox-sqs.ts';
import { DynamoDbSubscriptionStore } from '../../adapters/subscriptions-dynamodb/subscriptions-dynamodb.ts';
import { systemClock } from '../../adapters/system/clock.ts';
import { systemRandom } from '../../adapters/system/random.ts';
import { webhookHttp } from '../../adapters/webhook-http/webhook-http.ts';
import { openSubscriptions } from '../../functions/shared/subscriptions.ts';
import { webhooksHandler } from '../../functions/webhooks/handler.ts';
import { verifyReceipt } from '../../node-core/chain/receipt.ts';
import { notify } from '../../node-core/middleware/delivery/notify.ts';
import { Pinger } from '../../node-core/middleware/delivery/pinger.ts';
import { Worker } from '../../node-core/middleware/delivery/worker.ts';
import { EventLog } from '../../node-core/middleware/events/event-log.ts';
import type { Outbox } from '../../node-core/ports/outbox.ts';
import { crypto } from '../api/in-process-node.ts';
import { type Emulator, startEmulator } from '../aws/emulator.ts';
import { ProxyRig } from '../aws/proxy-rig.ts';
import { contextWith } from './event-source.ts';

const LIMIT_MS = 1_000;
let emulator: Emulator;
let rig: ProxyRig;
let sqs: SQSClient;
let server: Server;
let origin: string;
let ledger: string;
let serviceTable: string;
let queueUrl: string;
let told: {
  readonly path: string;
  readonly id: string;
  readonly body: { receipt: string; data: { subject: string } };
}[];
/** What the endpoint of a path answers; null: nothing at all. */
let answers: Map<string, number | null>;

beforeAll(async () => {
  emulator = await startEmulator();
  rig = await ProxyRig.start(emulator);
  const { endpoint, region, credentials } = emulator;
  sqs = new SQSClient({ endpoint, region, credentials });
  queueUrl = (await sqs.send(new CreateQueueCommand({ QueueName: 'webhooks' }))).QueueUrl!;
  ledger = await rig.table('ledger', 'S');
  await rig.copy(ledger);
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const path = request.url!;
    told.push({ path, id: String(request.headers['webhook-id']), body: JSON.parse(Buffer.concat(chunks).toString()) });
    const status = answers.get(path) === undefined ? 204 : answers.get(path)!;
    if (status !== null) response.writeHead(status).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}, 60_000);
afterAll(async () => {
  server?.closeAllConnections();
  server?.close();
  sqs?.destroy();
  await rig?.stop();
  await emulator?.stop();
});
beforeEach(async () => {
  told = [];
  answers = new Map();
  serviceTable = await rig.table('service', 'S');
  await sqs.send(new PurgeQueueCommand({ QueueUrl: queueUrl }));
});

/** A function instance with nothing in it, and beside it what the indexer and the API have. */
async function instance(outbox: Outbox = sqsOutbox(sqs, queueUrl)) {
  const { reader, feed } = await rig.reader(ledger);
  const events = new EventLog(crypto, reader.genesis.hash, feed);
  const store = new DynamoDbSubscriptionStore(rig.dynamodb, serviceTable);
  const common = { clock: systemClock, random: systemRandom, events, master: new Uint8Array(32).fill(7) };
  const transport = webhookHttp({ loopback: true, timeLimitMs: LIMIT_MS });
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const refresh = () => feed.refresh();
  const worker = new Worker({ ...common, store, log, transport, receipts: reader, attemptMs: LIMIT_MS, refresh });
  const pinger = new Pinger({ ...common, store, transport, outbox });
  const handler = webhooksHandler(async () => ({ worker, pinger, store, outbox, clock: systemClock }));
  const access = openSubscriptions({ ...common, dynamodb: rig.dynamodb, sqs, serviceTable, queueUrl, loopback: true });
  const match = async () => {
    await feed.refresh();
    return notify({ store, events, outbox });
  };
  const subscribe = async (path: string) => {
    const wanted = { url: `${origin}${path}`, description: '', types: ['evidence.registered'], filter: {} };
    const made = await access.create('owner', { ...wanted, scheme: 'v1a', from: null });
    if ('code' in made) throw new Error(made.code);
    return made.subscription.id;
  };
  return { handler, access, store, match, subscribe };
}

/** Registers one evidence for each text, in the chain and in the ledger table. */
async function register(...texts: readonly string[]): Promise<void> {
  await rig.register(...texts);
  await rig.copy(ledger);
}

const recordOf = (messageId: string, body: string): SQSRecord => ({ messageId, body }) as SQSRecord;
const batchOf = (...records: readonly SQSRecord[]): SQSEvent => ({ Records: [...records] });

/** Everything in the queue as one batch; those that failed stay. */
async function received(): Promise<SQSEvent> {
  const records: SQSRecord[] = [];
  for (;;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10 }),
    );
    if (Messages.length === 0) return batchOf(...records);
    for (const { MessageId, Body, ReceiptHandle } of Messages) {
      records.push(recordOf(MessageId!, Body!));
      await sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }));
    }
  }
}

const context = contextWith(60_000);
const NOTHING_FAILED = { batchItemFailures: [] };

describe('messages', () => {
  it('lead to deliveries with receipts that verify, each once, and leave nothing due', async () => {
    const { handler, store, match, subscribe } = await instance();
    await match();
    await Promise.all(['/a', '/b'].map(subscribe));
    expect(await handler(await received(), context)).toEqual(NOTHING_FAILED);
    await register('x', 'yy', 'zzz');
    await match();
    expect(await handler(await received(), context)).toEqual(NOTHING_FAILED);
    expect(told).toHaveLength(6);
    expect(new Set(told.map(({ path, id }) => `${path} ${id}`)).size).toBe(6);
    for (const { body } of told) {
      const receipt = base64urlnopad.decode(body.receipt);
      expect(verifyReceipt(crypto, receipt, rig.running.consortium.genesis.hash)).not.toHaveProperty('code');
    }
    expect(await store.due(Date.now())).toEqual([]);
    expect((await received()).Records).toEqual([]);
  });

  it('that are all lost cost time alone: the sweep finds what is due', async () => {
    const { handler, match, subscribe } = await instance();
    await match();
    await subscribe('/a');
    await register('x');
    await match();
    await received();
    expect(told).toEqual([]);
    expect(await handler({ sweep: true }, context)).toEqual(NOTHING_FAILED);
    await handler(await received(), context);
    expect(told).toHaveLength(1);
  });

  it('that are doubled, or ours no more, or name nothing: the first do nothing, the last fail alone', async () => {
    const { handler, match, subscribe } = await instance();
    await match();
    const id = await subscribe('/a');
    await register('x');
    await match();
    const own = JSON.stringify({ subscription: id });
    const gone = JSON.stringify({ subscription: 'sub_gone' });
    const bodies = [own, own, gone, '{}', 'x', 'null', own, `{"subscription":"${id}","ping":1}`];
    const batch = batchOf(...bodies.map((body, i) => recordOf(String(i), body)));
    const { batchItemFailures } = await handler(batch, context);
    expect(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)).toEqual(['3', '4', '5', '7']);
    expect(told).toHaveLength(1);
  });
});

describe('a test message', () => {
  it('is sent by this function, not by the API, which has no way to endpoints; its outcome is the answer', async () => {
    const { handler, access, store, subscribe } = await instance();
    const id = await subscribe('/a');
    await received();
    const asked = access.ping('owner', id);
    let batch = await received();
    while (batch.Records.length === 0) batch = await received();
    expect(told).toEqual([]);
    expect(await handler(batch, context)).toEqual(NOTHING_FAILED);
    const attempt = await asked;
    expect(attempt).toMatchObject({ type: 'webhook.ping', outcome: 204, event: told[0]!.id });
    expect(await store.attempts(id, 10)).toEqual([attempt]);
    // The queue tells of it once more.
    await handler(batch, context);
    expect(told).toHaveLength(1);
  });
});

describe('endpoints that hang or fail', () => {
  it('cost their own time, and come again by a message that waits', async () => {
    const { handler, access, store, match, subscribe } = await instance();
    await match();
    const [hangs, fails] = [await subscribe('/hangs'), await subscribe('/fails'), await subscribe('/works')];
    answers.set('/hangs', null);
    answers.set('/fails', 500);
    await register('x', 'yy');
    await match();
    expect(await handler(await received(), context)).toEqual(NOTHING_FAILED);
    const count = (path: string) => told.filter((one) => one.path === path).length;
    expect([count('/hangs'), count('/fails'), count('/works')]).toEqual([1, 1, 2]);
    for (const id of [hangs, fails])
      expect((await access.get('owner', id!))!.progress.failing).toMatchObject({ attempts: 1 });
    expect(await store.due(Date.now())).toEqual([]);
    expect((await store.due(Date.now() + 6_000)).length).toBe(2);
    expect((await store.attempts(hangs!, 10)).map(({ outcome }) => outcome)).toEqual(['timeout']);
    answers.clear();
    for (const until = Date.now() + 20_000; count('/fails') + count('/hangs') < 6 && Date.now() < until; ) {
      await handler(await received(), context);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect([count('/hangs'), count('/fails'), count('/works')]).toEqual([3, 3, 2]);
  });

  it('a function that has no time begins no request, and sends the message on', async () => {
    const { handler, match, subscribe } = await instance();
    await match();
    await subscribe('/a');
    await received();
    await register('x');
    await match();
    expect(await handler(await received(), contextWith(5_500))).toEqual(NOTHING_FAILED);
    expect(told).toEqual([]);
    await handler(await received(), context);
    expect(told).toHaveLength(1);
  });
});

it('several instances with the same messages deliver everything once', async () => {
  const instances = [await instance(), await instance(), await instance()];
  const [{ match, subscribe }] = instances as [(typeof instances)[number]];
  await match();
  await Promise.all(Array.from({ length: 6 }, (_, i) => subscribe(`/${i}`)));
  await register('x', 'yy', 'zzz');
  await match();
  const batch = await received();
  await Promise.all(instances.map(({ handler }) => handler(batch, context)));
  expect(told).toHaveLength(18);
  expect(new Set(told.map(({ path, id }) => `${path} ${id}`)).size).toBe(18);
});
