/**
 * What Lambda's event source mapping does with a stream: batches, partial responses, bisection, retries, and a queue for
 * what has failed to the end (AWS Lambda developer guide, "Process DynamoDB records with Lambda"). Emulators do less.
 */
import type { Context, DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda';

export type StreamHandler = (event: DynamoDBStreamEvent, context: Context) => Promise<DynamoDBBatchResponse>;

export const MAX_TRIES = 3;

export function contextWith(remainingMs: number): Context {
  return {
    ...{ functionName: 'test', functionVersion: '1', memoryLimitInMB: '512', awsRequestId: 'request' },
    invokedFunctionArn: 'arn:aws:lambda:eu-central-1:000000000000:function:test',
    getRemainingTimeInMillis: () => remainingMs,
  } as Context;
}

/** A new head at this height, as the stream has it. */
export function headRecord(height: number | string, sequence: number | string = height): DynamoDBRecord {
  const keys = { pk: { S: 'head' }, sk: { S: 'head' } };
  return {
    ...{ eventID: `event ${sequence}`, eventName: 'MODIFY', eventSource: 'aws:dynamodb' },
    dynamodb: {
      Keys: keys,
      SequenceNumber: String(sequence),
      NewImage: { ...keys, height: { N: String(height) }, firstHeight: { N: '1' }, status: { S: '{}' } },
    },
  } as DynamoDBRecord;
}

/** Everything of the stream, and what is in the dead-letter queue at the end. */
export async function deliver(
  handler: StreamHandler,
  records: readonly DynamoDBRecord[],
  batchSize = 100,
): Promise<readonly DynamoDBRecord[]> {
  const dead: DynamoDBRecord[] = [];
  for (let i = 0; i < records.length; i += batchSize) {
    await batch(handler, records.slice(i, i + batchSize), 1, dead);
  }
  return dead;
}

async function batch(
  handler: StreamHandler,
  records: readonly DynamoDBRecord[],
  tried: number,
  dead: DynamoDBRecord[],
): Promise<void> {
  const first = await firstFailed(handler, records);
  const rest = records.slice(first);
  if (rest.length === 0) return;
  if (rest.length === 1) {
    if (tried === MAX_TRIES) dead.push(rest[0]!);
    else await batch(handler, rest, tried + 1, dead);
    return;
  }
  const half = Math.ceil(rest.length / 2);
  await batch(handler, rest.slice(0, half), 1, dead);
  await batch(handler, rest.slice(half), 1, dead);
}

async function firstFailed(handler: StreamHandler, records: readonly DynamoDBRecord[]): Promise<number> {
  try {
    const { batchItemFailures } = await handler({ Records: [...records] }, contextWith(60_000));
    const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    const first = records.findIndex(({ dynamodb }) => failed.has(dynamodb?.SequenceNumber ?? ''));
    return first < 0 ? records.length : first;
  } catch {
    return 0;
  }
}
