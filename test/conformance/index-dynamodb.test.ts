import { randomBytes } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DynamoDbIndexStore } from '../../adapters/index-dynamodb/index-dynamodb.ts';
import type { IndexStore } from '../../node-core/ports/index-store.ts';
import { type Emulator, startEmulator } from '../aws/emulator.ts';
import { blockOf, indexStoreConformance, record } from './index-store.ts';

let emulator: Emulator;
let client: DynamoDBClient;
const tables = new Map<IndexStore, string>();

beforeAll(async () => {
  emulator = await startEmulator();
  const { endpoint, region, credentials } = emulator;
  client = new DynamoDBClient({ endpoint, region, credentials });
}, 60_000);
afterAll(async () => {
  client?.destroy();
  await emulator?.stop();
});

function at(table: string): DynamoDbIndexStore {
  const store = new DynamoDbIndexStore(client, table);
  tables.set(store, table);
  return store;
}

async function create(): Promise<DynamoDbIndexStore> {
  const store = at(`index-${randomBytes(6).toString('hex')}`);
  await store.createTable();
  return store;
}

indexStoreConformance(
  'index-dynamodb',
  {
    create,
    again: async (store) => {
      await store.close();
      return at(tables.get(store)!);
    },
  },
  { propertyRuns: 5 },
);

describe('several at once', () => {
  test('processes that apply the same blocks agree, and the watermark gets to the end', async () => {
    const first = await create();
    const others = [first, at(tables.get(first)!), at(tables.get(first)!)];
    for (const store of others) await store.open('chain', 0);
    const account = (height: number) => ({
      ...record(height, 1, { kind: 'user', created: height }, 1),
      collection: 'accounts',
      key: 'one for all',
    });
    const blocks = Array.from({ length: 12 }, (_, height) =>
      blockOf(height, record(height, 1, { subject: 's' }), account(height)),
    );
    await Promise.all(others.map((store, i) => store.apply(i === 1 ? [...blocks].reverse() : blocks)));
    expect(await first.progress()).toEqual({ from: 0, watermark: 11 });
    expect((await first.rows('accounts', ['one for all']))[0]).toEqual(blocks[11]!.rows[1]);
    const range = { collection: 'accounts', field: 'created', from: new Uint8Array(), to: Uint8Array.of(0xff) };
    expect(await first.count(range, 100)).toBe(1);
  });

  test('one that begins anew ends what the others have open', async () => {
    const first = await create();
    const second = at(tables.get(first)!);
    await first.open('chain', 0);
    await second.open('chain', 0);
    await first.apply([blockOf(0)]);
    await second.clear(0);
    await expect(first.apply([blockOf(1)])).rejects.toMatchObject({ code: 'unavailable' });
    expect(await first.open('chain', 0)).toEqual({ from: 0, watermark: -1 });
  });
});

test('a crash before the block counts leaves a gap, and applying the block again fills it', async () => {
  const store = await create();
  await store.open('chain', 0);
  const broken = new DynamoDBClient({
    endpoint: emulator.endpoint,
    region: emulator.region,
    credentials: emulator.credentials,
  });
  const dying = new DynamoDbIndexStore(broken, tables.get(store)!);
  await dying.open('chain', 0);
  let writes = 0;
  broken.middlewareStack.add(
    (next, context) => async (args) => {
      if (context.commandName === 'BatchWriteItemCommand' && ++writes > 2)
        throw Object.assign(new Error('the power is off'), { code: 'ECONNRESET' });
      return next(args);
    },
    { step: 'build' },
  );
  const block = blockOf(
    0,
    ...Array.from({ length: 60 }, (_, i) => record(0, 1, { subject: 's', 'attributes.i': i }, i)),
  );
  await expect(dying.apply([block])).rejects.toMatchObject({ code: 'unavailable' });
  expect(await store.apply([blockOf(1)])).toEqual({ from: 0, watermark: -1 });
  expect(await store.apply([block])).toEqual({ from: 0, watermark: 1 });
  const range = { collection: 'evidence', field: 'subject', from: new Uint8Array(), to: Uint8Array.of(0xff) };
  expect(await store.count(range, 100)).toBe(60);
  broken.destroy();
});

test('a place that does not answer is unavailable', async () => {
  const nowhere = new DynamoDBClient({
    endpoint: 'http://127.0.0.1:1',
    region: 'eu-central-1',
    credentials: emulator.credentials,
    maxAttempts: 1,
  });
  await expect(new DynamoDbIndexStore(nowhere, 'none').open('chain', 0)).rejects.toMatchObject({ code: 'unavailable' });
});
