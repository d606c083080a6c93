import { createRoute } from '@hono/zod-openapi';
import { NO_STORE } from '../http/caching.ts';
import { readTransaction, transactionBody } from '../http/transaction-body.ts';
import type { Api, ApiParts } from '../parts.ts';
import { orProblem, problems } from '../problem.ts';
import { quoteSchema, quoteView } from '../views/quote.ts';

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
    const quoted = orProblem(await chain.quote(await readTransaction(c)));
    return c.json(quoteView(quoted), 200, { 'Cache-Control': NO_STORE });
  });
}
