import { createRoute, z } from '@hono/zod-openapi';
import { CODES, type Refusal } from '../../node-core/chain/codes.ts';
import type { AccountId } from '../../node-core/chain/identifiers.ts';
import {
  decodeTogether,
  MAX_TOGETHER_BYTES,
  MAX_TRANSACTIONS_TOGETHER,
} from '../../node-core/chain/transaction-batch.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { equal, toHex } from '../../node-core/codec/bytes.ts';
import { CodecError } from '../../node-core/codec/error.ts';
import type { Submitted } from '../../node-core/ports/chain-access.ts';
import { readBody } from '../http/body.ts';
import { NO_STORE } from '../http/caching.ts';
import { furtherRequests } from '../http/charge.ts';
import { requireType } from '../http/media-type.ts';
import { tooMany } from '../http/rate-limit.ts';
import { tracedTogether } from '../http/traced.ts';
import { BATCHED_PER_REQUEST } from '../limits.ts';
import type { Api, ApiParts } from '../parts.ts';
import { isRefusal, ProblemError, problemOf, problems, STATUS_OF_CODE } from '../problem.ts';
import { accountId, hash, uint } from '../schemas.ts';

const CBOR_TYPE = 'application/cbor';

const acceptedSchema = z
  .object({ status: z.literal(202), sender: accountId, nonce: hash, expiry: uint })
  .openapi('BatchAccepted', { description: 'Accepted for packing, as by a submission of its own.' });

const refusedSchema = z
  .object({
    status: z.int().openapi({ description: 'The HTTP status that a submission of its own would have got.' }),
    code: z.int().openapi({ example: 1104 }),
    name: z.string().openapi({ example: 'EXPIRED' }),
    detail: z.string().optional(),
    retryAfter: uint.optional().openapi({ description: 'Seconds after which it is worth trying again.' }),
  })
  .openapi('BatchRefused');

const outcomesSchema = z
  .object({ outcomes: z.array(z.union([acceptedSchema, refusedSchema])) })
  .openapi('BatchOutcomes', { description: 'One outcome for each transaction, in their order.' });

const route = createRoute({
  method: 'post',
  path: '/v1/transactions/batch',
  operationId: 'submitBatch',
  tags: ['transactions'],
  summary: 'Submit many signed transactions',
  description:
    'A CBOR array of byte strings, each the exact bytes of one transaction: 1 to 1,000 of them, at most 2 MiB together. ' +
    'Each is taken or refused on its own; the answer is 200 with the outcomes in their order. Where there is room for ' +
    'none of them the answer is the problem 1109 with Retry-After. What is final already gets 1106 here: ask for its ' +
    'receipt. Five transactions count as one request where requests are limited.',
  request: {
    body: {
      required: true,
      description: 'CBOR array of byte strings.',
      content: { [CBOR_TYPE]: { schema: { type: 'string', format: 'binary' } } },
    },
  },
  responses: {
    200: { description: 'What became of each', content: { 'application/json': { schema: outcomesSchema } } },
    ...problems(413, 415, 503),
  },
});

export function submitBatch(app: Api, parts: ApiParts): void {
  const { chain, intake, limits } = parts;
  app.openapi(route, async (c) => {
    requireType(c, [CBOR_TYPE]);
    const outcomes = await intake.admit(c.req.raw, MAX_TOGETHER_BYTES, async () => {
      const transactions = transactionsOf(await readBody(c.req.raw, MAX_TOGETHER_BYTES, 'BODY_TOO_LARGE'));
      const tokens = furtherRequests(transactions.length, BATCHED_PER_REQUEST);
      const mayGoOn = tokens === 0 || (c.get('charge')?.(tokens) ?? true);
      if (!mayGoOn) throw tooMany(limits.requestsPerSecond, `, ${transactions.length} transactions`);
      return tracedTogether(c, parts, transactions, () => chain.submitAll(transactions));
    });
    const first = outcomes[0]!;
    const isFull = (outcome: Submitted | Refusal) => isRefusal(outcome) && outcome.code === 'MEMPOOL_FULL';
    if (isRefusal(first) && outcomes.every(isFull)) throw problemOf(first);
    return c.json({ outcomes: viewsOf(outcomes) }, 200, { 'Cache-Control': NO_STORE });
  });
}

/** @throws {ProblemError} 400 */
function transactionsOf(body: Uint8Array): readonly Uint8Array[] {
  try {
    return decodeTogether(body);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    const wanted = `1 to ${MAX_TRANSACTIONS_TOGETHER} byte strings in a CBOR array`;
    throw new ProblemError('BAD_REQUEST', { detail: `${error.message}; send ${wanted}`, cause: error });
  }
}

/** Most batches are of one sender, whose text is made once. */
function viewsOf(outcomes: readonly (Submitted | Refusal)[]) {
  let last: { readonly id: AccountId; readonly text: string } | null = null;
  return outcomes.map((outcome) => {
    if (isRefusal(outcome)) return refusedView(outcome);
    const { sender, nonce, expiry } = outcome;
    if (last === null || !equal(last.id, sender)) last = { id: sender, text: accountIdToText(sender) };
    return { status: 202 as const, sender: last.text, nonce: toHex(nonce), expiry };
  });
}

function refusedView({ code, detail, retryAfterSeconds }: Refusal) {
  return {
    status: STATUS_OF_CODE[code],
    code: CODES[code].number,
    name: code,
    ...(detail !== undefined && { detail }),
    ...(retryAfterSeconds !== undefined && { retryAfter: retryAfterSeconds }),
  };
}
