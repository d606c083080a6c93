import { randomBytes } from 'node:crypto';
import { CreateTableCommand, DynamoDBClient, paginateScan, waitUntilTableExists } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Persistence } from '../../adapters/aws/persistence.ts';
import { journalDynamoDb } from '../../adapters/journal-dynamodb/journal.ts';
import type { Journal } from '../../node-core/ports/journal.ts';
import { type Emulator, startEmulator } from '../aws/emulator.ts';
import { JournalRows, MemoryJournal } from '../simulation/memory-journal.ts';
import { describeJournal } from './journal.ts';

const TABLE = 'journal';
let emulator: Emulator;
let client: DynamoDBClient;

beforeAll(async () => {
  emulator = await startEmulator();
  const { endpoint, region, credentials } = emulator;
  client = new DynamoDBClient({ endpoint, region, credentials });
  const attribute = (name: string) => ({ AttributeName: name, AttributeType: 'S' }) as const;
  await client.send(
    new CreateTableCommand({
      TableName: TABLE,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [attribute('pk'), attribute('sk')],
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 60 }, { TableName: TABLE });
}, 60_000);
afterAll(async () => {
  client?.destroy();
  await emulator?.stop();
});

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const persistence = new Persistence({ log: silent, patienceMs: 2_000, firstWaitMs: 1 });
const fresh = () => `chain/${randomBytes(6).toString('hex')}`;
const at = (scope: string, through: Pick<DynamoDBClient, 'send'> = client): Journal =>
  journalDynamoDb({ client: through, table: TABLE, scope, persistence });

describeJournal('DynamoDB', async () => {
  const scope = fresh();
  return { journal: at(scope), reopen: () => at(scope), cleanup: async () => {} };
});

describeJournal('the simulated one', async () => {
  const rows = new JournalRows();
  return { journal: new MemoryJournal(rows), reopen: () => new MemoryJournal(rows), cleanup: async () => {} };
});

/** A client that dies at the n-th request, for good. */
function dying(requests: number): Pick<DynamoDBClient, 'send'> {
  let left = requests;
  const send = async (command: never) => {
    if (left-- <= 0) throw new Error('the process is gone');
    return client.send(command);
  };
  return { send } as unknown as DynamoDBClient;
}

it('wherever a replacement of a long row breaks off, the row is the one or the other', async () => {
  const before = randomBytes(900_000);
  const after = randomBytes(1_000_000);
  const found = new Set<string>();
  for (let requests = 1; requests <= 6; requests++) {
    const scope = fresh();
    await at(scope).put(3, 'row', before);
    await at(scope, dying(requests))
      .put(3, 'row', after)
      .catch(() => {});
    const row = (await at(scope).read(3)).get('row')!;
    expect(before.equals(row) || after.equals(row), `${requests} requests`).toBe(true);
    found.add(before.equals(row) ? 'before' : 'after');
  }
  expect([...found].sort()).toEqual(['after', 'before']);
});

it('wherever forgetting breaks off, the next time ends it and leaves nothing behind', async () => {
  for (const requests of [2, 3, 5]) {
    const scope = fresh();
    const journal = at(scope);
    for (const height of [1, 2, 3]) await journal.put(height, 'row', randomBytes(900_000));
    await at(scope, dying(requests))
      .forget(3)
      .catch(() => {});
    for (const rows of [await at(scope).read(1), await at(scope).read(3)])
      for (const bytes of rows.values()) expect(bytes.length).toBe(900_000);
    await at(scope).forget(3);
    expect(await keysOf(scope)).toEqual([`${scope}/progress`]);
  }
});

async function keysOf(scope: string): Promise<(string | undefined)[]> {
  const keys: (string | undefined)[] = [];
  for await (const { Items = [] } of paginateScan({ client }, { TableName: TABLE, ProjectionExpression: 'pk' }))
    keys.push(...Items.map(({ pk }) => pk!.S));
  return keys.filter((key) => key?.startsWith(scope));
}

it('waits for a table that is throttled, and writes then', async () => {
  const scope = fresh();
  let refusals = 5;
  const send = async (command: never) => {
    if (refusals-- > 0) throw Object.assign(new Error(), { name: 'ProvisionedThroughputExceededException' });
    return client.send(command);
  };
  await at(scope, { send } as unknown as DynamoDBClient).put(1, 'row', Uint8Array.of(1));
  expect(await at(scope).read(1)).toEqual(new Map([['row', Uint8Array.of(1)]]));
});
