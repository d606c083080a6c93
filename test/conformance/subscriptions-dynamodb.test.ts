import { randomBytes } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll } from 'vitest';
import { Table } from '../../adapters/dynamodb/table.ts';
import { DynamoDbSubscriptionStore } from '../../adapters/subscriptions-dynamodb/subscriptions-dynamodb.ts';
import { type Emulator, startEmulator } from '../aws/emulator.ts';
import { describeSharedSubscriptionStore } from './shared-subscription-store.ts';
import { describeSubscriptionStore } from './subscription-store.ts';

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

async function open() {
  const table = `service-${randomBytes(6).toString('hex')}`;
  await new Table(client, table).create('S');
  const another = () => new DynamoDbSubscriptionStore(client, table);
  return { store: another(), reopen: async () => another(), another, cleanup: async () => {} };
}

describeSubscriptionStore('DynamoDB', open);
describeSharedSubscriptionStore('DynamoDB', open);
