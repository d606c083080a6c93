/** Tables and buckets as the deployment makes them, for suites that deploy nothing. */
import {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateSecretCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Emulator } from './emulator.ts';

export class Resources {
  readonly dynamo: DynamoDBClient;
  readonly s3: S3Client;
  readonly secrets: SecretsManagerClient;

  constructor({ endpoint, region, credentials }: Emulator) {
    const where = { endpoint, region, credentials };
    this.dynamo = new DynamoDBClient(where);
    this.s3 = new S3Client({ ...where, forcePathStyle: true });
    this.secrets = new SecretsManagerClient(where);
  }

  /** @param keys names of its key attributes, all text: the partition's, and the order's if it has one. */
  async table(name: string, keys: readonly [string, string?]): Promise<void> {
    const named = keys.filter((key) => key !== undefined);
    await this.dynamo.send(
      new CreateTableCommand({
        TableName: name,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: named.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
        KeySchema: named.map((AttributeName, i) => ({ AttributeName, KeyType: i === 0 ? 'HASH' : 'RANGE' })),
      }),
    );
    await waitUntilTableExists({ client: this.dynamo, maxWaitTime: 60 }, { TableName: name });
  }

  async hasTable(name: string): Promise<boolean> {
    const { Table } = await this.dynamo.send(new DescribeTableCommand({ TableName: name }));
    return Table?.TableStatus === 'ACTIVE';
  }

  async bucket(Bucket: string): Promise<void> {
    await this.s3.send(new CreateBucketCommand({ Bucket }));
  }

  async object(Bucket: string, Key: string, Body: Uint8Array): Promise<void> {
    await this.s3.send(new PutObjectCommand({ Bucket, Key, Body }));
  }

  async secret(Name: string, SecretString: string): Promise<void> {
    await this.secrets.send(new CreateSecretCommand({ Name, SecretString }));
  }

  async changedSecret(SecretId: string, SecretString: string): Promise<void> {
    await this.secrets.send(new PutSecretValueCommand({ SecretId, SecretString }));
  }

  close(): void {
    for (const client of [this.dynamo, this.s3, this.secrets]) client.destroy();
  }
}
