import { createRoute, z } from '@hono/zod-openapi';
import type { ChainStatus } from '../../node-core/ports/chain-access.ts';
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

const GRACE_INTERVALS = 3;
const GRACE_MS = 10_000;

export function getHealth(app: Api, { chain, clock }: ApiParts): void {
  app.openapi(route, async (c) => {
    const status = await chain.status();
    const facts = healthFacts(status, clock.now());
    const isStarting = status.height === 0 && facts.peers > 0 && facts.behindBlocks === 0;
    if (isStarting || facts.ageMs <= facts.maxAgeMs) {
      return c.json({ status: isStarting ? ('starting' as const) : ('ok' as const), ...facts }, 200, {
        'Cache-Control': NO_STORE,
      });
    }
    throw new ProblemError('NOT_SYNCED', { detail: reason(facts), members: facts });
  });
}

type Facts = Omit<z.infer<typeof healthSchema>, 'status'>;

function healthFacts({ height, timeMs, blockIntervalMs, bestPeerHeight, peers }: ChainStatus, nowMs: number): Facts {
  return {
    height,
    ageMs: Math.max(0, nowMs - timeMs),
    maxAgeMs: GRACE_INTERVALS * blockIntervalMs + GRACE_MS,
    behindBlocks: Math.max(0, bestPeerHeight - height),
    peers,
  };
}

function reason({ ageMs, behindBlocks, peers }: Facts): string {
  const age = `the newest block is ${Math.round(ageMs / 1_000)} s old`;
  if (behindBlocks > 0) return `${age}: catching up, ${behindBlocks} blocks behind`;
  return peers === 0 ? `${age}: no peer is connected` : `${age}: the chain stands still, as far as ${peers} peers know`;
}
