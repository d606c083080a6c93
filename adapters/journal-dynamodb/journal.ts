/** The port Journal as items of a DynamoDB table. */
import { createHash } from 'node:crypto';
import {
  type AttributeValue,
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
} from '@aws-sdk/client-dynamodb';
import type { Journal } from '../../node-core/ports/journal.ts';
import { StoreError } from '../../node-core/ports/key-value-store.ts';
import { nameOf, type Persistence } from '../aws/persistence.ts';
import { packed, unpacked } from '../dynamodb/packing.ts';

export interface JournalDynamoDbOptions {
  readonly client: Pick<DynamoDBClient, 'send'>;
  readonly table: string;
  /** What all keys begin with: chain and validator. No two validators may share one. */
  readonly scope: string;
  /** Waits for a table that is throttled or away, or answers that it has taken a part. */
  readonly persistence: Persistence;
}

type Item = Record<string, AttributeValue>;

const NAME = /^[a-z0-9/]{1,100}$/;
/** DynamoDB takes items of 400 KB (409,600 bytes), keys and names of attributes included. */
export const CHUNK_BYTES = 384 * 1024;
const MAX_ROW_BYTES = 64 << 20;
const WRITES_AT_ONCE = 4;
/** Of one BatchWriteItem. */
const DELETES_AT_ONCE = 25;
/** Heights between two notes of how far forgetting has come. */
const NOTE_EVERY = 64;

export function journalDynamoDb(options: JournalDynamoDbOptions): Journal {
  return new JournalDynamoDb(options);
}

class JournalDynamoDb implements Journal {
  private readonly options: JournalDynamoDbOptions;
  /** The height up to which all is forgotten; null before the first row of all, undefined while it has not been read. */
  private through: number | null | undefined;
  private isOpen = true;

  constructor(options: JournalDynamoDbOptions) {
    this.options = options;
  }

  async put(height: number, name: string, bytes: Uint8Array): Promise<void> {
    this.assertOpen();
    assertName(name);
    if (bytes.length > MAX_ROW_BYTES) throw new RangeError(`a row of ${bytes.length} bytes`);
    const own = packed(bytes);
    if (height <= (await this.begin(height))) return;
    const key = this.key(height, name);
    if (own.length <= CHUNK_BYTES) return this.putItem({ ...key, bytes: { B: own } });
    const digest = createHash('sha256').update(own).digest('hex').slice(0, 32);
    const count = Math.ceil(own.length / CHUNK_BYTES);
    // The chunks first, under the digest of the whole: until the row itself names it, the row before stands.
    for (let first = 0; first < count; first += WRITES_AT_ONCE) {
      const some = Array.from({ length: Math.min(WRITES_AT_ONCE, count - first) }, (_, i) => first + i);
      await Promise.all(
        some.map((i) => {
          const part = own.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES);
          return this.putItem({ ...this.key(height, chunkName(name, digest, i)), bytes: { B: part } });
        }),
      );
    }
    await this.putItem({ ...key, digest: { S: digest }, count: { N: String(count) } });
  }

  async read(height: number): Promise<ReadonlyMap<string, Uint8Array>> {
    this.assertOpen();
    // A height that is being forgotten may have a part of its rows.
    if (height <= ((await this.forgotten()) ?? 0)) return new Map();
    const items = new Map<string, Item>();
    for await (const item of this.itemsOf(height)) items.set(item.sk!.S!, item);
    const rows = new Map<string, Uint8Array>();
    for (const [name, item] of items) {
      if (name.includes('#')) continue;
      const bytes = item.digest === undefined ? item.bytes?.B : joined(name, item, items);
      if (bytes !== undefined) rows.set(name, unpacked(bytes, MAX_ROW_BYTES));
    }
    return rows;
  }

  async remove(height: number, names: readonly string[]): Promise<void> {
    this.assertOpen();
    names.forEach(assertName);
    const isNamed = (name: string) => names.includes(name.split('#')[0]!);
    await this.removeItems(height, isNamed);
  }

  async forget(through: number, goesOn: () => boolean = () => true): Promise<void> {
    this.assertOpen();
    const before = await this.forgotten();
    if (before === null) return;
    for (let height = before + 1; height <= through && goesOn(); height++) {
      await this.removeItems(height, () => true);
      if (height === through || height % NOTE_EVERY === 0) {
        await this.putItem({ ...this.progressKey(), through: { N: String(height) } });
        this.through = height;
      }
    }
  }

  async isUsed(): Promise<boolean> {
    this.assertOpen();
    return (await this.forgotten()) !== null;
  }

  async close(): Promise<void> {
    this.isOpen = false;
  }

  /** Notes with the first row of all where forgetting begins; gives the height up to which all is forgotten. */
  private async begin(height: number): Promise<number> {
    const known = await this.forgotten();
    if (known !== null) return known;
    const through = height - 1;
    const Item = { ...this.progressKey(), through: { N: String(through) } };
    const command = { TableName: this.options.table, Item, ConditionExpression: 'attribute_not_exists(pk)' };
    await this.asked('beginning', () => this.options.client.send(new PutItemCommand(command))).catch(
      (error: unknown) => {
        // Another call, or this one before it was sent again.
        if (!((error as Error).cause instanceof ConditionalCheckFailedException)) throw error;
      },
    );
    this.through = undefined;
    return (await this.forgotten()) ?? through;
  }

  private async forgotten(): Promise<number | null> {
    if (this.through !== undefined) return this.through;
    const command = { TableName: this.options.table, Key: this.progressKey(), ConsistentRead: true };
    const { Item: item } = await this.asked('reading', () => this.options.client.send(new GetItemCommand(command)));
    this.through = item === undefined ? null : Number(item.through!.N);
    return this.through;
  }

  private async putItem(item: Item): Promise<void> {
    const command = new PutItemCommand({ TableName: this.options.table, Item: item });
    await this.asked('writing', () => this.options.client.send(command));
  }

  private async *itemsOf(height: number, keysOnly = false): AsyncGenerator<Item> {
    const command = {
      TableName: this.options.table,
      ConsistentRead: true,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': this.key(height, '').pk! },
      ...(keysOnly && { ProjectionExpression: 'pk, sk' }),
    };
    for (let from: Item | undefined, isFirst = true; isFirst || from !== undefined; isFirst = false) {
      const request = from === undefined ? command : { ...command, ExclusiveStartKey: from };
      const answer = await this.asked('reading', () => this.options.client.send(new QueryCommand(request)));
      yield* answer.Items ?? [];
      from = answer.LastEvaluatedKey;
    }
  }

  private async removeItems(height: number, isGone: (name: string) => boolean): Promise<void> {
    const keys: Item[] = [];
    for await (const { pk, sk } of this.itemsOf(height, true)) if (isGone(sk!.S!)) keys.push({ pk: pk!, sk: sk! });
    // The rows before their chunks: broken off, no row is left that is not whole.
    keys.sort((a, b) => Number(a.sk!.S!.includes('#')) - Number(b.sk!.S!.includes('#')));
    for (let at = 0; at < keys.length; at += DELETES_AT_ONCE) {
      let left = keys.slice(at, at + DELETES_AT_ONCE).map((Key) => ({ DeleteRequest: { Key } }));
      await this.asked('removing', async () => {
        const request = { RequestItems: { [this.options.table]: left } };
        const { UnprocessedItems } = await this.options.client.send(new BatchWriteItemCommand(request));
        left = (UnprocessedItems?.[this.options.table] ?? []) as typeof left;
        if (left.length > 0) throw Object.assign(new Error('a part was not taken'), { name: 'ThrottlingException' });
      });
    }
  }

  private async asked<T>(doing: string, ask: () => Promise<T>): Promise<T> {
    const { persistence, table, scope } = this.options;
    try {
      return await persistence.run(`${doing} the journal`, ask);
    } catch (error) {
      const what = `${doing} the journal ${scope} in the table ${table} failed: ${nameOf(error)}`;
      throw new StoreError('io', what, { cause: error });
    }
  }

  /** A partition for each height: what is written together spreads over the table. */
  private key(height: number, name: string): Item {
    return { pk: { S: `${this.options.scope}/${String(height).padStart(16, '0')}` }, sk: { S: name } };
  }

  private progressKey(): Item {
    return { pk: { S: `${this.options.scope}/progress` }, sk: { S: 'progress' } };
  }

  private assertOpen(): void {
    if (!this.isOpen) throw new StoreError('closed', `the journal ${this.options.scope} is closed`);
  }
}

/** `#` is in no name of a row. */
function chunkName(name: string, digest: string, index: number): string {
  return `${name}#${digest}/${String(index).padStart(4, '0')}`;
}

/** undefined when a chunk is not there. */
function joined(name: string, { digest, count }: Item, items: ReadonlyMap<string, Item>): Uint8Array | undefined {
  const chunks: Uint8Array[] = [];
  for (let i = 0; i < Number(count!.N); i++) {
    const chunk = items.get(chunkName(name, digest!.S!, i))?.bytes?.B;
    if (chunk === undefined) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function assertName(name: string): void {
  if (!NAME.test(name)) throw new RangeError(`${JSON.stringify(name)} is no name of a row`);
}
