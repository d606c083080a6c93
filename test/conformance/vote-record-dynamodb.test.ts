import { randomBytes } from 'node:crypto';
import { CreateTableCommand, DynamoDBClient, waitUntilTableExists } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { voteRecordDynamoDb } from '../../adapters/vote-record-dynamodb/vote-record.ts';
import { utf8 } from '../../node-core/codec/bytes.ts';
import { StoreError } from '../../node-core/ports/key-value-store.ts';
import { type Emulator, startEmulator } from '../aws/emulator.ts';
import { describeVoteRecord } from './vote-record.ts';

const TABLE = 'votes';
let emulator: Emulator;
let client: DynamoDBClient;

beforeAll(async () => {
  emulator = await startEmulator();
  const { endpoint, region, credentials } = emulator;
  client = new DynamoDBClient({ endpoint, region, credentials });
  await client.send(
    new CreateTableCommand({
      TableName: TABLE,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 60 }, { TableName: TABLE });
}, 60_000);
afterAll(async () => {
  client?.destroy();
  await emulator?.stop();
});

const newKey = () => `chain/${randomBytes(6).toString('hex')}`;
/** The emulator's client is made when the suite begins; the adapter asks it when it sends. */
const late = { send: (command: never) => client.send(command) } as unknown as DynamoDBClient;

describeVoteRecord('DynamoDB', async () => {
  const key = newKey();
  return {
    holder: () => voteRecordDynamoDb({ client: late, table: TABLE, key, create: true }),
    returning: () => voteRecordDynamoDb({ client: late, table: TABLE, key }),
    cleanup: async () => {},
  };
});

/** A client whose writes reach the table `answered` of the time: the answer of others is lost after they were made. */
function losing(isLost: () => boolean): DynamoDBClient {
  const send = async (command: { readonly input: object }) => {
    const answer = await client.send(command as never);
    if ('Item' in command.input && isLost()) throw Object.assign(new Error('no answer'), { name: 'TimeoutError' });
    return answer;
  };
  return { send } as unknown as DynamoDBClient;
}

describe('writes whose answer is lost', () => {
  it('reject, and reading back shows what was written', async () => {
    const key = newKey();
    let isLost = false;
    const record = voteRecordDynamoDb({ client: losing(() => isLost), table: TABLE, key, create: true });
    const { position } = await record.open();
    isLost = true;
    await expect(record.compareAndSwap(position, utf8('vote'))).rejects.toMatchObject({ code: 'io' });
    const { position: then, bytes } = await record.read();
    expect([then, bytes]).toEqual([{ epoch: position.epoch, version: 1 }, utf8('vote')]);
  });

  it('that are sent again do not take their own write for that of another copy', async () => {
    const key = newKey();
    const sent: string[] = [];
    /** As the SDK does it: the same command again. */
    const send = async (command: { readonly input: object }) => {
      if ('Item' in command.input) {
        await client.send(command as never);
        sent.push('twice');
      }
      return client.send(command as never);
    };
    const twice = { send } as unknown as DynamoDBClient;
    const record = voteRecordDynamoDb({ client: twice, table: TABLE, key, create: true });
    const { position } = await record.open();
    expect(await record.compareAndSwap(position, utf8('vote'))).toEqual({ epoch: position.epoch, version: 1 });
    expect(sent).toEqual(['twice', 'twice']);
    await voteRecordDynamoDb({ client: late, table: TABLE, key }).open();
    expect(await record.compareAndSwap({ epoch: position.epoch, version: 1 }, utf8('late'))).toBe('lost');
  });
});

it('two copies that fight over the record never take the same position', async () => {
  const key = newKey();
  const taken: string[] = [];
  const losses = [0, 0];
  const fight = async (copy: number) => {
    const record = voteRecordDynamoDb({ client: late, table: TABLE, key, create: true });
    // One may be held up until the other has done: it goes on until they have met.
    for (let n = 0; n < 20 || losses[0]! + losses[1]! === 0; n++) {
      let { position } = await record.open();
      for (let swaps = 0; swaps < 5; swaps++) {
        const next = await record.compareAndSwap(position, utf8(`${copy} ${n} ${swaps}`));
        if (next === 'lost') {
          losses[copy]! += 1;
          break;
        }
        position = next;
        taken.push(`${position.epoch}/${position.version}`);
      }
    }
  };
  await Promise.all([fight(0), fight(1)]);
  expect(new Set(taken).size, 'a position was taken twice').toBe(taken.length);
});

it('a record over its limit is refused before it is sent, an item of somebody else is damaged', async () => {
  const key = newKey();
  const record = voteRecordDynamoDb({ client: late, table: TABLE, key, create: true });
  const { position } = await record.open();
  await record.compareAndSwap(position, new Uint8Array(390 * 1024));
  await expect(record.compareAndSwap(position, new Uint8Array(390 * 1024 + 1))).rejects.toThrow(RangeError);
  const { PutItemCommand } = await import('@aws-sdk/client-dynamodb');
  await client.send(new PutItemCommand({ TableName: TABLE, Item: { pk: { S: key }, epoch: { N: '3' } } }));
  const isCorrupt = (error: unknown) => error instanceof StoreError && error.code === 'corrupt';
  await expect(voteRecordDynamoDb({ client: late, table: TABLE, key, create: true }).open()).rejects.toSatisfy(
    isCorrupt,
  );
});
