/** Requests to one table: in parts of the size that DynamoDB takes, what it has not taken again after a while. */
import {
  type AttributeValue,
  BatchGetItemCommand,
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteItemCommand,
  type DeleteItemCommandInput,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  type PutItemCommandInput,
  QueryCommand,
  type QueryCommandInput,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
  type WriteRequest,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';

export type Item = Record<string, AttributeValue>;

/** Reads ask for what has been written, unless they say that what is a little older will do: that costs half. */
export interface ReadOptions {
  readonly eventually?: boolean;
}

const WRITES_AT_ONCE = 25;
const READS_AT_ONCE = 100;
const REQUESTS_AT_ONCE = 8;
const TRIES = 8;
const FIRST_WAIT_MS = 20;

export class Table {
  private readonly client: DynamoDBClient;
  readonly name: string;

  constructor(client: DynamoDBClient, name: string) {
    this.client = client;
    this.name = name;
  }

  /** Unconditionally; the order is nobody's. */
  async putAll(items: readonly Item[]): Promise<void> {
    const requests = items.map((item): WriteRequest => ({ PutRequest: { Item: item } }));
    await inParallel(chunks(requests, WRITES_AT_ONCE), (chunk) => this.writeChunk(chunk));
  }

  private async writeChunk(chunk: readonly WriteRequest[]): Promise<void> {
    let left = [...chunk];
    await repeated(async () => {
      const { UnprocessedItems } = await this.client.send(
        new BatchWriteItemCommand({ RequestItems: { [this.name]: left } }),
      );
      left = UnprocessedItems?.[this.name] ?? [];
      return left.length === 0;
    });
  }

  async get(key: Item, { eventually = false }: ReadOptions = {}): Promise<Item | undefined> {
    const request = { TableName: this.name, Key: key, ConsistentRead: !eventually };
    return (await this.client.send(new GetItemCommand(request))).Item;
  }

  /** In no order; those that are not there are left out. */
  async getAll(keys: readonly Item[]): Promise<Item[]> {
    const found: Item[] = [];
    await inParallel(chunks(keys, READS_AT_ONCE), async (chunk) => {
      let left: Item[] = [...chunk];
      await repeated(async () => {
        const request = { RequestItems: { [this.name]: { Keys: left, ConsistentRead: true } } };
        const { Responses, UnprocessedKeys } = await this.client.send(new BatchGetItemCommand(request));
        found.push(...(Responses?.[this.name] ?? []));
        left = UnprocessedKeys?.[this.name]?.Keys ?? [];
        return left.length === 0;
      });
    });
    return found;
  }

  async query(input: Omit<QueryCommandInput, 'TableName' | 'ConsistentRead'>) {
    return this.client.send(new QueryCommand({ ...input, TableName: this.name, ConsistentRead: true }));
  }

  /** Page after page, as much as there is. */
  async *queryAll(input: Omit<QueryCommandInput, 'TableName' | 'ConsistentRead' | 'ExclusiveStartKey'>) {
    let from: Item | undefined;
    do {
      const { Items = [], LastEvaluatedKey } = await this.query({ ...input, ExclusiveStartKey: from });
      yield* Items;
      from = LastEvaluatedKey;
    } while (from !== undefined);
  }

  /** false when the condition did not hold. */
  async put(input: Omit<PutItemCommandInput, 'TableName'>): Promise<boolean> {
    return held(() => this.client.send(new PutItemCommand({ ...input, TableName: this.name })));
  }

  /** false when the condition did not hold; true also when there was no such item. */
  async delete(input: Omit<DeleteItemCommandInput, 'TableName'>): Promise<boolean> {
    return held(() => this.client.send(new DeleteItemCommand({ ...input, TableName: this.name })));
  }

  /** false when the condition did not hold. */
  async update(input: Omit<UpdateItemCommandInput, 'TableName'>): Promise<boolean> {
    return held(() => this.client.send(new UpdateItemCommand({ ...input, TableName: this.name })));
  }

  /** false when a condition did not hold, or somebody else was at one of the items. */
  async transact(items: readonly TransactWriteItem[]): Promise<boolean> {
    return held(() => this.client.send(new TransactWriteItemsCommand({ TransactItems: [...items] })));
  }

  /** Makes the table and waits until it can be used, for tests and where no stack has made it. */
  async create(sortKey: 'S' | 'B' | null): Promise<void> {
    const keys: readonly (readonly [name: string, type: 'S' | 'B', key: 'HASH' | 'RANGE'])[] = [
      ['pk', 'S', 'HASH'],
      ...(sortKey === null ? [] : [['sk', sortKey, 'RANGE'] as const]),
    ];
    await this.client.send(
      new CreateTableCommand({
        TableName: this.name,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: keys.map(([name, type]) => ({ AttributeName: name, AttributeType: type })),
        KeySchema: keys.map(([name, , key]) => ({ AttributeName: name, KeyType: key })),
      }),
    );
    await waitUntilTableExists({ client: this.client, maxWaitTime: 60 }, { TableName: this.name });
  }
}

const UNMET: readonly string[] = [
  'ConditionalCheckFailedException',
  'TransactionCanceledException',
  'TransactionConflictException',
];

async function held(write: () => Promise<unknown>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    if (error instanceof Error && UNMET.includes(error.name)) return false;
    throw error;
  }
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const out: T[][] = [];
  for (let i = 0; i < items.length; i += size) out.push(items.slice(i, i + size));
  return out;
}

/** @throws {Error} when it has not ended after some tries, each later than the one before. */
export async function repeated(isDone: () => Promise<boolean>): Promise<void> {
  for (let tried = 0; tried < TRIES; tried++) {
    if (tried > 0) await new Promise((next) => setTimeout(next, FIRST_WAIT_MS * 2 ** (tried - 1)));
    if (await isDone()) return;
  }
  throw new Error(`DynamoDB has not taken all after ${TRIES} tries`);
}

/** A few at a time; the first error ends it once those under way are over. */
export async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const lane = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  const ended = await Promise.allSettled(Array.from({ length: REQUESTS_AT_ONCE }, lane));
  for (const lane of ended) if (lane.status === 'rejected') throw lane.reason;
}
