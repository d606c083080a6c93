/** Rows of the index as the API shows them. */
import { z } from '@hono/zod-openapi';
import { base64urlnopad } from '@scure/base';
import type { IndexRow } from '../../node-core/ports/index-store.ts';
import { accountId, hash, timeMs, uint } from '../schemas.ts';

const value = z.union([z.string(), z.number(), z.boolean()]);

export const recordSchema = z
  .object({
    collection: z.string(),
    key: z.string().openapi({ description: 'Of evidence the record ID, of accounts the account ID, and so on.' }),
    height: uint.openapi({ description: 'Of the block that has written it.' }),
    timeMs,
    transaction: uint.openapi({ description: 'Place of the transaction in the block, from 1; 0: the block itself.' }),
    sender: accountId.nullable().openapi({ description: 'Who sent the transaction.' }),
    nonce: hash.nullable().openapi({ description: 'Its nonce: sender and nonce name the receipt.' }),
    fields: z.record(z.string(), z.union([value, z.array(value)])),
    receipt: z
      .string()
      .nullable()
      .optional()
      .openapi({
        description:
          'With proof=true: the receipt of the transaction, base64url, from which the whole row follows; null for what ' +
          'no transaction has written.',
      }),
  })
  .openapi('Record');

export type RecordView = z.infer<typeof recordSchema>;

/** @param receipt undefined when nobody has asked for it. */
export function recordView(row: IndexRow, receipt: Uint8Array | null | undefined): RecordView {
  const { collection, key, height, timeMs: time, transaction, sender, nonce, fields } = row;
  return {
    ...{ collection, key, height, timeMs: time, transaction, sender, nonce },
    fields: fields as RecordView['fields'],
    ...(receipt !== undefined && { receipt: receipt && base64urlnopad.encode(receipt) }),
  };
}
