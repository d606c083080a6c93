/** The vote record as one item of a DynamoDB table: compare-and-swap by a conditional write, reads consistent. */
import { randomUUID } from 'node:crypto';
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { StoreError } from '../../node-core/ports/key-value-store.ts';
import type { VoteRecord, VoteRecordPosition } from '../../node-core/ports/vote-record.ts';
import { nameOf, type Persistence } from '../aws/persistence.ts';

export interface VoteRecordDynamoDbOptions {
  readonly client: Pick<DynamoDBClient, 'send'>;
  readonly table: string;
  /** Which record of the table: chain and validator. No two validators may share one. */
  readonly key: string;
  /** True at the first start of this validator's key, and only then: allows that there is no record yet. */
  readonly create?: boolean;
  /** Waits for a table that is throttled or away. Without it the first failure rejects. */
  readonly persistence?: Persistence;
}

interface Recorded {
  readonly position: VoteRecordPosition;
  readonly bytes: Uint8Array | null;
}

/** DynamoDB takes items of 400 KB (409,600 bytes), names of attributes and the rest of the item included. */
export const MAX_RECORD_BYTES = 390 * 1024;

/** Others that open at the same moment; each of them lets one through. */
const OPENINGS = 64;

export function voteRecordDynamoDb(options: VoteRecordDynamoDbOptions): VoteRecord {
  return new VoteRecordDynamoDb(options);
}

class VoteRecordDynamoDb implements VoteRecord {
  readonly #options: VoteRecordDynamoDbOptions;
  #isOpen = false;

  constructor(options: VoteRecordDynamoDbOptions) {
    this.#options = options;
  }

  async open(): Promise<Recorded> {
    for (let opening = 0; opening < OPENINGS; opening++) {
      const before = await this.#stored();
      if (before === undefined && this.#options.create !== true) throw this.#missing();
      const position = { epoch: (before?.position.epoch ?? 0) + 1, version: 0 };
      const next = { position, bytes: before?.bytes ?? null };
      if (!(await this.#put(next, before?.position))) continue;
      this.#isOpen = true;
      return next;
    }
    throw new StoreError('io', `${this.#place}: others open it all the time`);
  }

  async read(): Promise<Recorded> {
    this.#assertOpen();
    const stored = await this.#stored();
    if (stored === undefined) throw this.#missing();
    return stored;
  }

  async compareAndSwap(expected: VoteRecordPosition, bytes: Uint8Array): Promise<VoteRecordPosition | 'lost'> {
    this.#assertOpen();
    if (bytes.length > MAX_RECORD_BYTES)
      throw new RangeError(`a vote record of ${bytes.length} bytes is over the limit of ${MAX_RECORD_BYTES}`);
    const position = { epoch: expected.epoch, version: expected.version + 1 };
    return (await this.#put({ position, bytes: Uint8Array.from(bytes) }, expected)) ? position : 'lost';
  }

  async close(): Promise<void> {
    this.#isOpen = false;
  }

  /**
   * Writes when the stored position is `expected`, or when there is no item and `expected` is undefined.
   *
   * The SDK, and we, send a write again whose answer was lost; then it meets the position that it has itself made, and the
   * condition fails though the write was done. The mark says whose write the stored one is: no two have the same.
   */
  async #put(next: Recorded, expected: VoteRecordPosition | undefined): Promise<boolean> {
    const mark = randomUUID();
    const command = new PutItemCommand({
      TableName: this.#options.table,
      Item: { pk: { S: this.#options.key }, mark: { S: mark }, ...attributesOf(next) },
      ...conditionOf(expected),
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    });
    return this.#asked('write', async () => {
      try {
        await this.#options.client.send(command);
        return true;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) return error.Item?.mark?.S === mark;
        throw error;
      }
    });
  }

  async #stored(): Promise<Recorded | undefined> {
    const { client, table, key } = this.#options;
    const command = new GetItemCommand({ TableName: table, Key: { pk: { S: key } }, ConsistentRead: true });
    const { Item: item } = await this.#asked('read', () => client.send(command));
    return item === undefined ? undefined : recordedIn(item, this.#place);
  }

  async #asked<T>(doing: string, ask: () => Promise<T>): Promise<T> {
    const { persistence } = this.#options;
    try {
      return await (persistence === undefined ? ask() : persistence.run(`${doing} of the vote record`, ask));
    } catch (error) {
      throw new StoreError('io', `${doing} of ${this.#place} failed: ${nameOf(error)}`, { cause: error });
    }
  }

  get #place(): string {
    return `the vote record ${this.#options.key} in the table ${this.#options.table}`;
  }

  #assertOpen(): void {
    if (!this.#isOpen) throw new StoreError('closed', `${this.#place} is not open`);
  }

  #missing(): StoreError {
    return new StoreError(
      'corrupt',
      `${this.#place} is not there. A validator that has lost its record must rejoin with a new key; if this key has ` +
        'never been used, let it start with an empty data folder, an empty journal and an empty bucket',
    );
  }
}

function attributesOf({ position, bytes }: Recorded): Record<string, AttributeValue> {
  const at = { epoch: { N: String(position.epoch) }, version: { N: String(position.version) } };
  return bytes === null ? at : { ...at, record: { B: bytes } };
}

function conditionOf(expected: VoteRecordPosition | undefined) {
  if (expected === undefined) return { ConditionExpression: 'attribute_not_exists(pk)' };
  return {
    ConditionExpression: 'epoch = :epoch AND version = :version',
    ExpressionAttributeValues: { ':epoch': { N: String(expected.epoch) }, ':version': { N: String(expected.version) } },
  };
}

/** @throws {StoreError} 'corrupt' when the item is none that this adapter has written. */
function recordedIn(item: Record<string, AttributeValue>, place: string): Recorded {
  const [epoch, version] = [Number(item.epoch?.N), Number(item.version?.N)];
  const bytes = item.record?.B;
  const isSound =
    Number.isSafeInteger(epoch) &&
    epoch > 0 &&
    Number.isSafeInteger(version) &&
    version >= 0 &&
    item.mark?.S !== undefined;
  // Bytes are there from the first swap on; a record that was swapped and has none has been tampered with.
  if (!isSound || (bytes === undefined && (version > 0 || item.record !== undefined)))
    throw new StoreError('corrupt', `${place} is damaged: this validator must rejoin with a new key`);
  return { position: { epoch, version }, bytes: bytes === undefined ? null : Uint8Array.from(bytes) };
}
