import { toHex } from '../../node-core/codec/bytes.ts';
import type { Clock } from '../../node-core/ports/clock.ts';
import type { SingleUse } from '../../node-core/ports/single-use.ts';
import type { Table } from '../dynamodb/table.ts';

/** The SingleUse port: an item that is put where there is none. It is never full. */
export function dynamoDbSingleUse(table: Table, clock: Clock): SingleUse {
  return {
    use: async (id, untilMs) => {
      const isFirst = await table.put({
        Item: {
          ...{ pk: { S: `used/${toHex(id)}` }, sk: { S: 'used' } },
          expires: { N: String(Math.ceil(untilMs / 1_000)) },
        },
        // What has expired may still be there.
        ConditionExpression: 'attribute_not_exists(pk) OR #e <= :now',
        ExpressionAttributeNames: { '#e': 'expires' },
        ExpressionAttributeValues: { ':now': { N: String(Math.floor(clock.now() / 1_000)) } },
      });
      return isFirst ? 'first' : 'again';
    },
  };
}
