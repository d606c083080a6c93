/** What a client's requests would cost on demand: write units by the sizes of items (DynamoDB developer guide, "Read and write operations"). */
import type {
  AttributeValue,
  BatchWriteItemCommandInput,
  DynamoDBClient,
  PutItemCommandInput,
  TransactWriteItemsCommandInput,
} from '@aws-sdk/client-dynamodb';

type Item = Record<string, AttributeValue>;

/** Names and values in UTF-8; a number takes a byte for two digits and one more. */
export function itemBytes(item: Item): number {
  return Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + valueBytes(value), 0);
}

function valueBytes({ S, N, B }: AttributeValue): number {
  if (S !== undefined) return Buffer.byteLength(S);
  if (N !== undefined) return Math.ceil(N.length / 2) + 1;
  if (B !== undefined) return B.length;
  throw new Error('a type of attribute that nobody here writes');
}

export function unitsOf(item: Item): number {
  return Math.ceil(itemBytes(item) / 1_024);
}

/** Counts from now on, by table. A request that is tried again counts again. */
export function countWriteUnits(client: DynamoDBClient): Map<string, number> {
  const units = new Map<string, number>();
  const add = (table: string, more: number) => units.set(table, (units.get(table) ?? 0) + more);
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        if (commandName === 'BatchWriteItemCommand') {
          const { RequestItems = {} } = args.input as BatchWriteItemCommandInput;
          for (const [table, requests] of Object.entries(RequestItems))
            for (const { PutRequest } of requests) add(table, unitsOf(PutRequest!.Item!));
        } else if (commandName === 'PutItemCommand') {
          const { TableName, Item } = args.input as PutItemCommandInput;
          add(TableName!, unitsOf(Item!));
        } else if (commandName === 'UpdateItemCommand') {
          // Of the whole item, before or after: the one item that is updated, the progress of the index, is small.
          add((args.input as { TableName: string }).TableName, 1);
        } else if (commandName === 'TransactWriteItemsCommand') {
          for (const { Put, Delete } of (args.input as TransactWriteItemsCommandInput).TransactItems ?? [])
            add((Put ?? Delete)!.TableName!, 2 * (Put === undefined ? 1 : unitsOf(Put.Item!)));
        }
        return next(args);
      },
    { step: 'initialize' },
  );
  return units;
}
