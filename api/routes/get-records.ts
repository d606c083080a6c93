import { createRoute, z } from '@hono/zod-openapi';
import type { Refusal } from '../../node-core/chain/codes.ts';
import { accountIdFromText } from '../../node-core/codec/account-id.ts';
import { fromHex } from '../../node-core/codec/bytes.ts';
import { COLLECTIONS } from '../../node-core/middleware/index/collections.ts';
import { MAX_CURSOR } from '../../node-core/middleware/query/cursor.ts';
import { MAX_FILTERS } from '../../node-core/middleware/query/filter.ts';
import { MAX_COUNT, MAX_PAGE, type RecordPage } from '../../node-core/middleware/query/query.ts';
import type { ChainAccess } from '../../node-core/ports/chain-access.ts';
import { type IndexRow, IndexStoreError } from '../../node-core/ports/index-store.ts';
import { NO_STORE } from '../http/caching.ts';
import { chargeFor } from '../http/charge.ts';
import { BATCHED_PER_REQUEST } from '../limits.ts';
import type { Api, ApiParts } from '../parts.ts';
import { orProblem, ProblemError, problems } from '../problem.ts';
import { uint } from '../schemas.ts';
import { recordSchema, recordView } from '../views/record.ts';

const DEFAULT_PAGE = 50;
const LIMIT_PATTERN = '^([1-9][0-9]?|100)$';
const flag = z.enum(['true', 'false']).default('false');
const filter = z.string().min(1).max(1_200);

const route = createRoute({
  method: 'get',
  path: '/v1/records',
  operationId: 'queryRecords',
  tags: ['records'],
  summary: 'Search by business fields',
  description:
    `Rows of a collection (${[...COLLECTIONS.keys()].join(', ')}) that fulfil all filters: \`field=value\`, ` +
    '`field>=value`, `<=`, `>`, `<`, `field^=prefix`, `field=["a","b"]`. A page costs the same wherever it begins; it ' +
    'may be short, or empty, and still have a `next`. docs/querying.md has the collections and their fields.',
  request: {
    query: z.strictObject({
      collection: z.string().max(64).default('evidence').openapi({ example: 'evidence' }),
      where: z
        .union([filter.transform((one) => [one]), z.array(filter).max(MAX_FILTERS)])
        .default([])
        .openapi({
          type: 'array',
          items: { type: 'string' },
          maxItems: MAX_FILTERS,
          description: 'A filter; repeat it for more.',
          example: ['subject=lot 7'],
        }),
      sort: z.string().max(80).optional().openapi({
        description:
          'An indexed field, `height` or `timeMs`; with `-` before it descending. Rows without it are left out.',
        example: '-height',
      }),
      limit: z
        .string()
        .regex(new RegExp(LIMIT_PATTERN), `not 1 to ${MAX_PAGE}`)
        .transform(Number)
        .default(DEFAULT_PAGE)
        .openapi({ type: 'string', pattern: LIMIT_PATTERN, description: `Rows of a page, 1 to ${MAX_PAGE}.` }),
      cursor: z.string().max(MAX_CURSOR).optional().openapi({ description: '`next` of the page before.' }),
      count: flag.openapi({ description: `How many there are, up to ${MAX_COUNT}.` }),
      proof: flag.openapi({ description: 'A receipt for each row.' }),
    }),
  },
  responses: {
    200: {
      description: 'A page',
      content: {
        'application/json': {
          schema: z
            .object({
              records: z.array(recordSchema),
              next: z.string().nullable().openapi({ description: 'Cursor of the next page; null after the last.' }),
              count: z
                .object({ value: uint, exact: z.boolean().openapi({ description: 'false: there are more.' }) })
                .nullable(),
              index: z
                .object({ from: uint, height: z.int() })
                .openapi({ description: 'The heights of the chain that the index covers.' }),
            })
            .openapi('RecordPage'),
        },
      },
    },
    ...problems(404, 410, 503),
  },
});

export function getRecords(app: Api, { chain, records }: ApiParts): void {
  app.openapi(route, async (c) => {
    const { collection, where, sort, limit, cursor, count, proof } = c.req.valid('query');
    if (records === undefined) throw new ProblemError('INDEX_UNAVAILABLE', { detail: 'this node has no index' });
    // A receipt costs a node about as much as a transaction of a batch.
    if (proof === 'true') chargeFor(c.get('charge'), limit, BATCHED_PER_REQUEST, 'receipts');
    const query = { collection, where, sort, limit, cursor, count: count === 'true' };
    const page = orProblem<RecordPage>(await orUnavailable(records.search(query)));
    const shown = [];
    for (const row of page.rows)
      shown.push(recordView(row, proof === 'true' ? await receiptOf(chain, row) : undefined));
    const { from, watermark } = page.progress;
    const body = { records: shown, next: page.next, count: page.count, index: { from, height: watermark } };
    return c.json(body, 200, { 'Cache-Control': NO_STORE });
  });
}

/** Who asks again may be answered: the index catches up, or is made anew. */
export async function orUnavailable(answer: Promise<RecordPage | Refusal>): Promise<RecordPage | Refusal> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof IndexStoreError) throw new ProblemError('INDEX_UNAVAILABLE', { cause: error });
    throw error;
  }
}

async function receiptOf(chain: ChainAccess, { sender, nonce }: IndexRow): Promise<Uint8Array | null> {
  if (sender === null || nonce === null) return null;
  const receipt = await chain.receipt(accountIdFromText(sender), fromHex(nonce));
  return receipt ?? null;
}
