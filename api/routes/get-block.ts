import { createRoute, z } from '@hono/zod-openapi';
import { cacheableJson, IMMUTABLE, NO_STORE } from '../http/caching.ts';
import type { Api, ApiParts } from '../parts.ts';
import { ProblemError, problems } from '../problem.ts';
import { blockSchema, blockView } from '../views/block.ts';

const HEIGHT_PATTERN = '^(latest|0|[1-9][0-9]{0,14})$';

const route = createRoute({
  method: 'get',
  path: '/v1/blocks/{height}',
  operationId: 'getBlock',
  tags: ['chain'],
  summary: 'A block: its header and what became of its transactions',
  description: 'By height, or `latest`. A block by height never changes.',
  request: {
    params: z.object({
      height: z
        .string()
        .regex(new RegExp(HEIGHT_PATTERN), 'neither a height nor latest')
        .openapi({ description: 'Height, or `latest`.', pattern: HEIGHT_PATTERN, example: 'latest' }),
    }),
  },
  responses: {
    200: { description: 'The block', content: { 'application/json': { schema: blockSchema } } },
    304: { description: 'The client has it' },
    ...problems(404, 410),
  },
});

export function getBlock(app: Api, { chain, crypto }: ApiParts): void {
  app.openapi(route, async (c) => {
    const { height: wanted } = c.req.valid('param');
    const { height: newest } = await chain.status();
    const height = wanted === 'latest' ? newest : Number(wanted);
    const block = height === 0 ? undefined : await chain.block(height);
    if (block !== undefined) {
      // Every block goes out through this one function, which the type of c.json cannot follow.
      return cacheableJson(c, crypto, blockView(block), wanted === 'latest' ? NO_STORE : IMMUTABLE) as never;
    }
    if (height > newest || newest === 0) throw new ProblemError('HEIGHT_NOT_REACHED', { detail: `height ${newest}` });
    throw new ProblemError('NOT_FOUND', {
      detail: height === 0 ? 'height 0 is the genesis: /v1/genesis' : 'no such block',
    });
  });
}
