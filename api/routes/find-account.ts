import { createRoute, z } from '@hono/zod-openapi';
import { accountName } from '../../node-core/chain/account.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { CodecError } from '../../node-core/codec/error.ts';
import { NO_STORE } from '../http/caching.ts';
import type { Api, ApiParts } from '../parts.ts';
import { ProblemError, problems } from '../problem.ts';
import { accountSchema, accountView } from '../views/account.ts';

/** As the chain takes names: at most 64 bytes of UTF-8, no controls, no blanks at the ends. */
const nameParameter = z
  .string()
  .refine(isAccountName, 'not an account name')
  .openapi({ description: 'Account name; upper and lower case of ASCII letters are one.', example: 'operator' });

function isAccountName(text: string): boolean {
  try {
    accountName.decode(text, 'name');
    return true;
  } catch (error) {
    if (error instanceof CodecError) return false;
    throw error;
  }
}

const route = createRoute({
  method: 'get',
  path: '/v1/accounts',
  operationId: 'findAccount',
  tags: ['accounts'],
  summary: 'The account that bears a name',
  request: { query: z.strictObject({ name: nameParameter }) },
  responses: {
    200: { description: 'The account', content: { 'application/json': { schema: accountSchema } } },
    ...problems(404),
  },
});

export function findAccount(app: Api, { chain, crypto }: ApiParts): void {
  app.openapi(route, async (c) => {
    const id = await chain.accountByName(c.req.valid('query').name);
    const found = id === undefined ? undefined : await chain.account(id);
    if (id === undefined || found === undefined)
      throw new ProblemError('NOT_FOUND', { detail: 'no account bears this name' });
    const headers = { 'Cache-Control': NO_STORE, 'Content-Location': `/v1/accounts/${accountIdToText(id)}` };
    return c.json(accountView(crypto, id, found), 200, headers);
  });
}
