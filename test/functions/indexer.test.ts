/** The indexer's handler over a real chain's ledger table: whatever the stream does, the index is what the chain says. */
import { type DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { DynamoDBRecord } from 'aws-lambda';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DynamoDbIndexStore } from '../../adapters/index-dynamodb/index-dynamodb.ts';
import { statusText } from '../../adapters/ledger-dynamodb/items.ts';
import { ChainIndex } from '../../functions/indexer/chain-index.ts';
import { indexerHandler } from '../../functions/indexer/handler.ts';
import { finalizedBlock, finalizedGenesis } from '../../node-core/middleware/finalized-block.ts';
import { rowsOf } from '../../node-core/middleware/index/rows.ts';
import type { BlockRows } from '../../node-core/ports/index-store.ts';
import { NodeBlockFeed } from '../../node-core/runtime/block-feed.ts';
import { crypto } from '../api/in-process-node.ts';
import { type Emulator, startEmulator } from '../aws/emulator.ts';
import { ProxyRig } from '../aws/proxy-rig.ts';
import { contentsOf } from '../conformance/index-store.ts';
import { contextWith, deliver, headRecord } from './event-source.ts';

let emulator: Emulator;
let rig: ProxyRig;
let ledger: string;
let rows: BlockRows[];
let expected: unknown;
beforeAll(async () => {
  emulator = await startEmulator();
  rig = await ProxyRig.start(emulator);
  for (const texts of [['a', 'bb'], ['ccc'], ['dddd', 'e', 'ff'], ['ggg']]) await rig.register(...texts);
  ledger = await rig.table('ledger', 'S');
  await rig.copy(ledger);
  const feed = new NodeBlockFeed(rig.running.node);
  rows = [rowsOf(finalizedGenesis(crypto, rig.running.consortium.genesis))];
  for (let height = 1; height <= feed.height; height++)
    rows.push(rowsOf(finalizedBlock(crypto, (await feed.block(height))!)));
  const direct = await newIndex();
  await direct.open('what must come out', 0);
  await direct.apply(rows);
  expected = await contentsOf(direct, rows);
}, 60_000);
afterAll(async () => {
  await rig?.stop();
  await emulator?.stop();
});

async function newIndex(): Promise<DynamoDbIndexStore> {
  return new DynamoDbIndexStore(rig.dynamodb, await rig.table('index', 'B'));
}

interface Options {
  readonly client?: DynamoDBClient;
  readonly table?: string;
  readonly notify?: () => Promise<number>;
}

/** A function instance with nothing in it. */
async function indexer({ client = rig.dynamodb, table, notify }: Options = {}) {
  const store = new DynamoDbIndexStore(client, table ?? (await rig.table('index', 'B')));
  const { reader, feed } = await rig.reader(ledger);
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const matched = notify ?? (async () => feed.height);
  const index = new ChainIndex({ crypto, genesis: reader.genesis, feed, store, notify: matched, log });
  return { store, handler: indexerHandler(async () => index), index };
}

function allHeads(): DynamoDBRecord[] {
  return Array.from({ length: rig.source.height }, (_, i) => headRecord(i + 1));
}

describe('whatever the stream does', () => {
  it.each([
    ['every record, one by one', (all: DynamoDBRecord[]) => [all, 1] as const],
    ['every record in one batch', (all: DynamoDBRecord[]) => [all, 100] as const],
    ['the last alone: all others are lost', (all: DynamoDBRecord[]) => [all.slice(-1), 1] as const],
    ['every record twice', (all: DynamoDBRecord[]) => [[...all, ...all], 3] as const],
    ['the other way round', (all: DynamoDBRecord[]) => [[...all].reverse(), 2] as const],
  ])('%s: the index is the same', async (_, arrange) => {
    const { store, handler } = await indexer();
    const [records, size] = arrange(allHeads());
    expect(await deliver(handler, records, size)).toEqual([]);
    expect(await contentsOf(store, rows)).toEqual(expected);
  });

  it('nothing comes at all: the timer notices', async () => {
    const { store, handler } = await indexer();
    expect(await handler({ sweep: true }, contextWith(60_000))).toEqual({ batchItemFailures: [] });
    expect(await contentsOf(store, rows)).toEqual(expected);
  });

  it('two instances at once: the index is the same', async () => {
    const table = await rig.table('index', 'B');
    const [one, other] = [await indexer({ table }), await indexer({ table })];
    await one.handler({ sweep: true }, contextWith(60_000));
    const records = allHeads();
    await Promise.all([deliver(one.handler, records, 2), deliver(other.handler, [...records].reverse(), 1)]);
    expect(await contentsOf(one.store, rows)).toEqual(expected);
  });
});

describe('failures', () => {
  it('an instance that fails at any request is tried again, and leaves no gap', async () => {
    // Every so many of the requests, until there was one without a failure.
    for (let at = 1, failed = true; failed; at += 16) {
      const client = rig.client();
      const table = await rig.table('index', 'B');
      let requests = 0;
      client.middlewareStack.add(
        (next) => async (args) => {
          if (++requests === at) throw Object.assign(new Error('unreachable'), { code: 'ECONNRESET' });
          return next(args);
        },
        { step: 'initialize' },
      );
      const { handler } = await indexer({ client, table });
      expect(await deliver(handler, allHeads()), `request ${at}`).toEqual([]);
      failed = requests >= at;
      const { store, index } = await indexer({ table });
      await index.catchUp(new AbortController().signal);
      expect(await contentsOf(store, rows), `request ${at}`).toEqual(expected);
    }
  }, 60_000);

  it('poison records end in the dead-letter queue alone, and all others take effect', async () => {
    const { store, handler } = await indexer();
    const beyond = headRecord(rig.source.height + 1_000, 'beyond');
    const malformed = headRecord('not a height', 'malformed');
    const foreign = {
      ...headRecord(1, 'foreign'),
      dynamodb: { Keys: { pk: { S: 'block/1' } }, SequenceNumber: 'foreign' },
    };
    const [first, ...others] = allHeads();
    const dead = await deliver(handler, [first!, beyond, foreign, malformed, ...others]);
    expect(dead.map(({ dynamodb }) => dynamodb?.SequenceNumber)).toEqual(['beyond', 'malformed']);
    expect(await contentsOf(store, rows)).toEqual(expected);
  });

  it('what comes after a failed record in a batch is named too, so that none is taken for done', async () => {
    const { handler } = await indexer({ notify: () => Promise.reject(new Error('the queue does not answer')) });
    const { batchItemFailures } = await handler({ Records: allHeads() }, contextWith(60_000));
    expect(batchItemFailures).toHaveLength(rig.source.height);
  });

  it('subscriptions that could not be woken are woken by the next record, though the index is complete', async () => {
    let fails = 1;
    const woken: number[] = [];
    const notify = async () => {
      if (fails-- > 0) throw new Error('the queue does not answer');
      woken.push(rig.source.height);
      return rig.source.height;
    };
    const { handler } = await indexer({ notify });
    expect(await deliver(handler, allHeads().slice(-1))).toEqual([]);
    expect(woken).toEqual([rig.source.height]);
  });

  it('ends before the platform does, and the next record goes on', async () => {
    const { store, handler, index } = await indexer();
    await handler({ sweep: true }, contextWith(0));
    const aborted = new AbortController();
    aborted.abort();
    expect(await index.catchUp(aborted.signal)).toMatchObject({ matched: -1 });
    expect(await deliver(handler, allHeads().slice(-1))).toEqual([]);
    expect(await contentsOf(store, rows)).toEqual(expected);
  });

  it('an index that another instance has begun anew is taken up again', async () => {
    const { store, handler } = await indexer();
    await handler({ sweep: true }, contextWith(60_000));
    const other = new DynamoDbIndexStore(rig.dynamodb, (store as unknown as { table: { name: string } }).table.name);
    await other.open('another form of rows', 0);
    expect(await deliver(handler, allHeads().slice(-1))).toEqual([]);
    expect(await contentsOf(store, rows)).toEqual(expected);
  });

  it('a table that lost a block stops the index there, and says so', async () => {
    const { handler } = await indexer();
    const height = rig.source.height;
    const item = { pk: { S: 'head' }, sk: { S: 'head' } };
    const { reader } = await rig.reader(ledger);
    const before = await reader.head();
    const head = (to: number) => ({
      ...item,
      ...{ height: { N: String(to) }, firstHeight: { N: '1' }, status: { S: statusText(before.status) } },
    });
    await rig.dynamodb.send(new PutItemCommand({ TableName: ledger, Item: head(height + 1) }));
    try {
      const dead = await deliver(handler, [headRecord(height + 1)]);
      expect(dead).toHaveLength(1);
    } finally {
      await rig.dynamodb.send(new PutItemCommand({ TableName: ledger, Item: head(height) }));
    }
  });
});
