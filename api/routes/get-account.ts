import { createRoute, z } from '@hono/zod-openapi';
import { NO_STORE } from '../http/caching.ts';
import type { Api, ApiParts } from '../parts.ts';
import { ProblemError, problems } from '../problem.ts';
import { accountIdParameter } from '../schemas.ts';
import { accountSchema, accountView } from '../views/account.ts';

const route = createRoute({
  method: 'get',
  path: '/v1/accounts/{id}',
  operationId: 'getAccount',
  tags: ['accounts'],
  summary: 'An account: kind, key, certification and quota',
  request: { params: z.object({ id: accountIdParameter }) },
  responses: {
    200: { description: 'The account', content: { 'application/json': { schema: accountSchema } } },
    ...problems(404),
  },
});

export function getAccount(app: Api, { chain, crypto }: ApiParts): void {
  app.openapi(route, async (c) => {
    const { id } = c.req.valid('param');
    const found = await chain.account(id);
    if (found === undefined) throw new ProblemError('NOT_FOUND', { detail: 'no such account' });
    return c.json(accountView(crypto, id, found), 200, { 'Cache-Control': NO_STORE });
  });
}
