import { createRoute, z } from '@hono/zod-openapi';
import { CODES, type CodeName } from '../../node-core/chain/codes.ts';
import { cacheableJson } from '../http/caching.ts';
import type { Api, ApiParts } from '../parts.ts';
import { problems, STATUS_OF_CODE } from '../problem.ts';
import { uint } from '../schemas.ts';

const codesSchema = z
  .object({
    codes: z.array(
      z.object({
        number: uint,
        name: z.string(),
        title: z.string(),
        status: uint.openapi({ description: 'HTTP status of a problem with this code, unless HTTP has a finer one.' }),
      }),
    ),
  })
  .openapi('Codes');

/** Every numbered code, ascending: where two apply, the lower one is given. */
export const CODE_TABLE = Object.entries(CODES)
  .map(([name, { number, text }]) => ({ number, name, title: text, status: STATUS_OF_CODE[name as CodeName] }))
  .sort((a, b) => a.number - b.number);

const route = createRoute({
  method: 'get',
  path: '/v1/codes',
  operationId: 'getCodes',
  tags: ['chain'],
  summary: 'Every numbered code',
  responses: {
    200: { description: 'The codes', content: { 'application/json': { schema: codesSchema } } },
    304: { description: 'The client has it' },
    ...problems(),
  },
});

/** Not immutable: a release of the node may bring codes. */
const ONE_HOUR = 'public, max-age=3600';

export function getCodes(app: Api, { crypto }: ApiParts): void {
  app.openapi(route, (c) => cacheableJson(c, crypto, { codes: CODE_TABLE }, ONE_HOUR) as never);
}
