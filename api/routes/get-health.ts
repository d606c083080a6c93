import { createRoute, z } from '@hono/zod-openapi';
import { healthOf } from '../health.ts';
import { NO_STORE } from '../http/caching.ts';
import type { Api, ApiParts } from '../parts.ts';
import { ProblemError, problems } from '../problem.ts';
import { uint } from '../schemas.ts';

const healthSchema = z
  .object({
    status: z
      .enum(['ok', 'starting'])
      .openapi({ description: '`starting`: the chain has no block yet, as far as its peers know.' }),
    height: uint,
    ageMs: uint.openapi({ description: 'Age of the newest block.' }),
    maxAgeMs: uint.openapi({ description: 'Age from which the node counts as behind.' }),
    behindBlocks: uint.openapi({ description: 'Blocks that a peer has and this node has not.' }),
    peers: uint,
  })
  .openapi('Health');

const route = createRoute({
  method: 'get',
  path: '/healthz',
  operationId: 'getHealth',
  tags: ['operation'],
  summary: 'Whether the newest block is recent',
  description:
    '200 while the newest block is at most three block intervals and 10 seconds old, or neither this node nor a peer has one yet.',
  responses: {
    200: { description: 'Healthy', content: { 'application/json': { schema: healthSchema } } },
    ...problems(503),
  },
});

export function getHealth(app: Api, { chain, clock }: ApiParts): void {
  app.openapi(route, async (c) => {
    const { status, facts, reason } = healthOf(await chain.status(), clock.now());
    if (status !== 'behind') return c.json({ status, ...facts }, 200, { 'Cache-Control': NO_STORE });
    throw new ProblemError('NOT_SYNCED', { detail: reason, members: { ...facts } });
  });
}
