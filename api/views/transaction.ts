/** A transaction as the API shows it: where it is on its way, and what became of it. */
import { z } from '@hono/zod-openapi';
import { codeName } from '../../node-core/chain/codes.ts';
import type { AccountId } from '../../node-core/chain/identifiers.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import type { TransactionStatus } from '../../node-core/ports/chain-access.ts';
import { accountId, hash, link, uint } from '../schemas.ts';

const identity = { sender: accountId, nonce: hash.openapi({ description: 'Nonce, 32 bytes in hexadecimal.' }) };

export const pendingSchema = z
  .object({ status: z.literal('pending'), ...identity, expiry: uint, links: z.object({ self: link }) })
  .openapi('PendingTransaction', {
    description: 'Accepted for packing by this node; no promise that it will be packed.',
  });

export const finalSchema = z
  .object({
    status: z.literal('final'),
    ...identity,
    height: uint,
    index: uint.openapi({ description: 'Place in the block.' }),
    applied: z.boolean().openapi({ description: 'false: packed with a rejection, and charged.' }),
    code: uint.openapi({ description: '0 when applied, otherwise the number of the rejection.' }),
    name: z.string().nullable().openapi({ description: 'Name of the rejection, null when applied.' }),
    operation: uint.nullable().openapi({ description: 'Which operation was rejected.' }),
    cost: uint.openapi({ description: 'Quota points charged.' }),
    logIndex: uint.nullable().openapi({ description: 'Place in the log; null when it was rejected.' }),
    links: z.object({ self: link, receipt: link, block: link }),
  })
  .openapi('FinalTransaction');

export const expiredSchema = z
  .object({
    status: z.literal('expired'),
    ...identity,
    expiry: uint,
    certificate: z.string().nullable().openapi({
      description: 'Expiry certificate (超时证明), base64url; null when the proof is no longer kept.',
    }),
    links: z.object({ self: link, certificate: link }),
  })
  .openapi('ExpiredTransaction', { description: 'With this expiry it was never packed and never can be.' });

export const unknownSchema = z
  .object({ status: z.literal('unknown'), ...identity, links: z.object({ self: link }) })
  .openapi('UnknownTransaction', { description: 'This node has not seen it, or has forgotten it: proof of nothing.' });

export type FinalTransaction = z.infer<typeof finalSchema>;

export function transactionPath(sender: AccountId, nonce: Uint8Array): string {
  return `/v1/transactions/${accountIdToText(sender)}/${toHex(nonce)}`;
}

export function identityView(sender: AccountId, nonce: Uint8Array) {
  return { sender: accountIdToText(sender), nonce: toHex(nonce) };
}

export function finalView(
  sender: AccountId,
  nonce: Uint8Array,
  final: Extract<TransactionStatus, { status: 'final' }>,
): FinalTransaction {
  const [code, operation, cost, logIndex] = final.result;
  const self = transactionPath(sender, nonce);
  return {
    status: 'final',
    ...identityView(sender, nonce),
    height: final.height,
    index: final.index,
    applied: code === 0,
    code,
    name: codeName(code) ?? null,
    operation,
    cost,
    logIndex,
    links: { self, receipt: `${self}/receipt`, block: `/v1/blocks/${final.height}` },
  };
}
