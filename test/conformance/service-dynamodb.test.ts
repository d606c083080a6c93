/** What many functions share in one DynamoDB table. */
import { randomBytes } from 'node:crypto';
import { DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Table } from '../../adapters/dynamodb/table.ts';
import { dynamoDbAuditLog } from '../../adapters/service-dynamodb/audit-log.ts';
import { dynamoDbSingleUse } from '../../adapters/service-dynamodb/single-use.ts';
import { dynamoDbTokenKeys } from '../../adapters/service-dynamodb/token-keys.ts';
import { systemClock } from '../../adapters/system/clock.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import { pureCrypto } from '../../node-core/crypto/pure.ts';
import { type Emulator, startEmulator } from '../aws/emulator.ts';
import { describeAuditLog } from './audit-log.ts';
import { describeSingleUse } from './single-use.ts';
import { describeTokenKeys } from './token-keys.ts';

let emulator: Emulator;
let client: DynamoDBClient;
beforeAll(async () => {
  emulator = await startEmulator();
  const { endpoint, region, credentials } = emulator;
  client = new DynamoDBClient({ endpoint, region, credentials });
}, 60_000);
afterAll(async () => {
  client?.destroy();
  await emulator?.stop();
});

const errors: string[] = [];
const quiet = () => {};
const log = { debug: quiet, info: quiet, warn: quiet, error: (message: string) => void errors.push(message) };
const secret = new Uint8Array(randomBytes(32));

async function newTable(): Promise<Table> {
  const table = new Table(client, `service-${randomBytes(6).toString('hex')}`);
  await table.create('S');
  return table;
}

async function everythingIn({ name }: Table) {
  return (await client.send(new ScanCommand({ TableName: name }))).Items ?? [];
}

describeSingleUse('dynamodb', async (clock) => {
  const table = await newTable();
  return () => dynamoDbSingleUse(table, clock);
});

describeTokenKeys('dynamodb', async (clock) => {
  const table = await newTable();
  return () => dynamoDbTokenKeys(table, secret, pureCrypto, clock);
});

describeAuditLog('dynamodb', async () => {
  const table = await newTable();
  const audit = dynamoDbAuditLog(table, log);
  return { audit, written: () => audit.flush(), reopen: async () => dynamoDbAuditLog(table, log) };
});

describe('in this table', () => {
  it('what has expired counts no more, though DynamoDB may not have deleted it yet', async () => {
    const time = { ms: 1_700_000_000_000 };
    const used = dynamoDbSingleUse(await newTable(), { now: () => time.ms, schedule: () => () => {} });
    const id = new Uint8Array(randomBytes(16));
    await used.use(id, time.ms + 1_000);
    time.ms += 2_000;
    expect(await used.use(id, time.ms + 1_000)).toBe('first');
    expect(await used.use(id, time.ms + 1_000)).toBe('again');
  });

  it('instances that need the first key at once agree on one', async () => {
    const table = await newTable();
    const instances = Array.from({ length: 6 }, () => dynamoDbTokenKeys(table, secret, pureCrypto, systemClock));
    const kids = (await Promise.all(instances.map((keys) => keys.current()))).map(({ kid }) => kid);
    expect(new Set(kids).size).toBe(1);
  });

  it('holds no private key as it is, and gives none out under another secret, or when it was changed', async () => {
    const table = await newTable();
    const key = await dynamoDbTokenKeys(table, secret, pureCrypto, systemClock).current();
    const [item] = await everythingIn(table);
    const text = JSON.stringify(item, (_, value) => (value instanceof Uint8Array ? toHex(value) : value));
    expect(text).toContain(toHex(key.publicKey));
    expect(text).not.toContain(toHex(key.secretKey));
    const other = dynamoDbTokenKeys(table, new Uint8Array(32), pureCrypto, systemClock);
    await expect(other.current()).rejects.toThrow('encrypted with another secret');
    await table.put({ Item: { ...item!, publicKey: { B: new Uint8Array(32) } } });
    const again = dynamoDbTokenKeys(table, secret, pureCrypto, systemClock);
    await expect(again.find(key.kid)).rejects.toThrow('encrypted with another secret');
  });

  it('every item says when it may go', async () => {
    const table = await newTable();
    await dynamoDbTokenKeys(table, secret, pureCrypto, systemClock).current();
    await dynamoDbSingleUse(table, systemClock).use(new Uint8Array(16), Date.now() + 1_000);
    const audit = dynamoDbAuditLog(table, log);
    const entry = {
      timeMs: Date.now(),
      account: 'brop1a',
      tokenId: 't',
      action: 'login',
      target: null,
      outcome: 'done',
    };
    audit.append(entry);
    await audit.flush();
    const items = await everythingIn(table);
    expect(items).toHaveLength(3);
    for (const { expires } of items) expect(Number(expires?.N)).toBeGreaterThan(Date.now() / 1_000);
  });

  it('an audit entry that cannot be written is for the log, and for nobody else', async () => {
    const nowhere = new Table(client, 'a-table-that-is-not-there');
    const audit = dynamoDbAuditLog(nowhere, log);
    audit.append({ timeMs: 1, account: 'brop1a', tokenId: 't', action: 'login', target: null, outcome: 'done' });
    await audit.flush();
    expect(errors).toEqual(['the audit log cannot be written']);
  });
});
