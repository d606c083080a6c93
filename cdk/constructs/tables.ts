/** The tables, with the keys that the adapters declare (a test compares them). */
import { RemovalPolicy } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';

const text = (name: string): dynamodb.Attribute => ({ name, type: dynamodb.AttributeType.STRING });
const bytes = (name: string): dynamodb.Attribute => ({ name, type: dynamodb.AttributeType.BINARY });

interface Kind {
  readonly partitionKey: dynamodb.Attribute;
  readonly sortKey?: dynamodb.Attribute;
  /** Whether the table can be taken back to an earlier moment. */
  readonly pointInTimeRecovery: boolean;
  readonly timeToLiveAttribute?: string;
  readonly stream?: dynamodb.StreamViewType;
}

const KINDS = {
  /** Never restored: a validator with an older vote record could contradict itself. */
  votes: { partitionKey: text('pk'), pointInTimeRecovery: false },
  /** Kept proposals, and final blocks until their segment is in S3. */
  proposals: { partitionKey: text('pk'), sortKey: text('sk'), pointInTimeRecovery: true },
  /** Final blocks and their transactions, as the follower has verified them. */
  ledger: {
    partitionKey: text('pk'),
    sortKey: text('sk'),
    pointInTimeRecovery: true,
    stream: dynamodb.StreamViewType.NEW_IMAGE,
  },
  index: { partitionKey: text('pk'), sortKey: bytes('sk'), pointInTimeRecovery: true },
  /** Subscriptions, attempts, keys of tokens, audit log, rate limits, metering. */
  service: {
    partitionKey: text('pk'),
    sortKey: text('sk'),
    pointInTimeRecovery: true,
    timeToLiveAttribute: 'expires',
  },
} satisfies Record<string, Kind>;

export type TableKind = keyof typeof KINDS;

/**
 * On demand, encrypted with `encryptionKey`, never deleted with its stack: not even by a create that is rolled back, which
 * could not end as long as tables are protected from deletion. Its name is CloudFormation's, and in nobody's way.
 */
export function table(scope: Construct, id: string, kind: TableKind, encryptionKey: IKey): dynamodb.Table {
  const { pointInTimeRecovery, ...keys }: Kind = KINDS[kind];
  const made = new dynamodb.Table(scope, id, {
    ...keys,
    billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
    encryption: dynamodb.TableEncryption.CUSTOMER_MANAGED,
    encryptionKey,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: pointInTimeRecovery },
    deletionProtection: true,
    removalPolicy: RemovalPolicy.RETAIN,
  });
  if (!pointInTimeRecovery)
    acknowledge(
      made,
      'AwsSolutions-DDB3',
      'A vote record is never restored: an older one lets a validator contradict itself',
    );
  return made;
}
