/** What a role may do, action by action: CDK's own grants are wider (`s3:GetObject*`, `kms:ReEncrypt*`). */
import { Stack } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { acknowledge } from './acknowledge.ts';

export const READ_ITEMS = ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Query'];
export const WRITE_ITEMS = [
  'dynamodb:PutItem',
  'dynamodb:UpdateItem',
  'dynamodb:DeleteItem',
  'dynamodb:BatchWriteItem',
  'dynamodb:ConditionCheckItem',
];
export const CHANGE_ITEMS = [...READ_ITEMS, ...WRITE_ITEMS];
/** Of what nodes write: blocks, proposals. No attribute of an item is changed, and none is deleted by itself. */
export const WRITE_WHOLE_ITEMS = ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:BatchWriteItem'];

/** @param keys of partitions, with `*` for any characters: of these alone; all of them without. */
export function grantItems(
  role: iam.IRole,
  { tableArn, encryptionKey }: Table,
  actions: string[],
  keys?: readonly string[],
): void {
  const conditions = { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': keys } };
  role.addToPrincipalPolicy(
    new iam.PolicyStatement({ actions, resources: [tableArn], ...(keys !== undefined && { conditions }) }),
  );
  useKey(role, encryptionKey!);
}

/**
 * Of the objects below a prefix, which ends in a slash. `s3:ListBucket` is of the whole bucket, which serves one purpose:
 * under a condition on `s3:prefix`, which a request for one object does not have, S3 answers 403 rather than 404 for what
 * is not there.
 */
export function grantObjects(role: iam.IRole, bucket: Bucket, prefix: string, actions: string[]): void {
  const onObjects = actions.filter((action) => action !== 's3:ListBucket');
  role.addToPrincipalPolicy(
    new iam.PolicyStatement({ actions: onObjects, resources: [bucket.arnForObjects(`${prefix}*`)] }),
  );
  acknowledge(
    role,
    `AwsSolutions-IAM5[Resource::${exportName(bucket)}/${prefix}*]`,
    'Objects of one bucket cannot be named one by one',
  );
  if (onObjects.length < actions.length)
    role.addToPrincipalPolicy(new iam.PolicyStatement({ actions: ['s3:ListBucket'], resources: [bucket.bucketArn] }));
  useKey(role, bucket.encryptionKey!);
}

/** What cdk-nag calls a bucket of another stack. */
function exportName(bucket: Bucket): string {
  const stack = Stack.of(bucket);
  return stack.resolve(stack.exportValue(bucket.bucketArn))['Fn::ImportValue'];
}

/** The key of the data at rest, through DynamoDB, S3, SQS alone. Said once more it changes nothing: CDK merges the same. */
function useKey(role: iam.IRole, { keyArn }: IKey): void {
  const { region } = Stack.of(role);
  role.addToPrincipalPolicy(
    new iam.PolicyStatement({
      actions: [
        'kms:Decrypt',
        'kms:DescribeKey',
        'kms:Encrypt',
        'kms:GenerateDataKey',
        'kms:GenerateDataKeyWithoutPlaintext',
        'kms:ReEncryptFrom',
        'kms:ReEncryptTo',
      ],
      resources: [keyArn],
      conditions: {
        StringEquals: { 'kms:ViaService': ['dynamodb', 's3', 'sqs'].map((name) => `${name}.${region}.amazonaws.com`) },
      },
    }),
  );
}
