/** Transactions of which it matters what has stood in their way. */
import {
  type DynamoDBClient,
  TransactionCanceledException,
  type TransactWriteItem,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { repeated } from '../dynamodb/table.ts';

/**
 * Others at the same items are waited for.
 * @returns null when all is written; otherwise the index of the first item whose condition does not hold.
 */
export async function transact(client: DynamoDBClient, items: readonly TransactWriteItem[]): Promise<number | null> {
  let unmet: number | null = null;
  await repeated(async () => {
    try {
      await client.send(new TransactWriteItemsCommand({ TransactItems: [...items] }));
      return true;
    } catch (error) {
      if (!(error instanceof TransactionCanceledException)) throw error;
      const codes = (error.CancellationReasons ?? []).map(({ Code }) => Code);
      const at = codes.indexOf('ConditionalCheckFailed');
      if (at >= 0) unmet = at;
      else if (!codes.some((code) => code !== undefined && PASSING.includes(code))) throw error;
      return at >= 0;
    }
  });
  return unmet;
}

const PASSING: readonly string[] = ['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded'];
