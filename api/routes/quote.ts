import { createRoute, z } from '@hono/zod-openapi';
import { CODES } from '../../node-core/chain/codes.ts';
import { NO_STORE } from '../http/caching.ts';
import { readTransaction, transactionBody } from '../http/transaction-body.ts';
import type { Api, ApiParts } from '../parts.ts';
import { orProblem, problems } from '../problem.ts';
import { uint } from '../schemas.ts';

const quoteSchema = z
  .object({
    cost: uint.openapi({ description: 'Points that it would cost in the next block.' }),
    available: uint.openapi({ description: 'Points of the sender now, less what its pending transactions will take.' }),
    refusal: z
      .object({ code: uint, name: z.string(), title: z.string(), detail: z.string().optional() })
      .nullable()
      .openapi({ description: 'Why it would be refused now, the signature apart; null when it would be accepted.' }),
  })
  .openapi('Quote');

const route = createRoute({
  method: 'post',
  path: '/v1/quote',
  operationId: 'quoteTransaction',
  tags: ['transactions'],
  summary: 'A dry run: what a transaction would cost',
  description: 'The signature is not checked and may be 64 zero bytes. Nothing is submitted.',
  request: { body: transactionBody },
  responses: {
    200: { description: 'The quote', content: { 'application/json': { schema: quoteSchema } } },
    ...problems(403, 413, 415),
  },
});

export function quote(app: Api, { chain }: ApiParts): void {
  app.openapi(route, async (c) => {
    const { cost, available, refusal } = orProblem(await chain.quote(await readTransaction(c)));
    const reason =
      refusal === null
        ? null
        : {
            code: CODES[refusal.code].number,
            name: refusal.code,
            title: CODES[refusal.code].text,
            ...(refusal.detail !== undefined && { detail: refusal.detail }),
          };
    return c.json({ cost, available, refusal: reason }, 200, { 'Cache-Control': NO_STORE });
  });
}
