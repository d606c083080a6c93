import { createRoute, z } from '@hono/zod-openapi';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import { NO_STORE } from '../http/caching.ts';
import type { Api, ApiParts } from '../parts.ts';
import { problems } from '../problem.ts';
import { accountId, hash, timeMs, uint } from '../schemas.ts';

const statusSchema = z
  .object({
    genesisHash: hash,
    name: z.string(),
    protocolVersion: uint,
    height: uint,
    timeMs: timeMs.openapi({ description: 'Time of the newest block, ms; of the genesis at height 0.' }),
    logSize: uint,
    peers: uint,
    bestPeerHeight: uint,
    pending: z.object({ transactions: uint, bytes: uint }),
    validators: z.array(z.object({ account: accountId, name: z.string(), power: uint })),
    expiryWindow: uint.openapi({ description: 'Furthest expiry ahead, in heights.' }),
    blockIntervalMs: uint,
    firstHeight: uint.openapi({ description: 'The first height whose block this node keeps.' }),
    equivocations: z
      .object({ count: uint, validators: z.array(accountId) })
      .openapi({ description: 'Evidence against validators that have contradicted themselves: /v1/equivocations.' }),
    standbySigners: z.array(accountId).openapi({
      description:
        'Validators whose newest signature under a block is by their standby key: their primary one is out of use.',
    }),
    consensus: z
      .object({ height: uint, round: uint })
      .nullable()
      .openapi({ description: 'Of a validator; otherwise null.' }),
  })
  .openapi('ChainStatus');

const route = createRoute({
  method: 'get',
  path: '/v1/status',
  operationId: 'getStatus',
  tags: ['chain'],
  summary: 'The chain as this node has it',
  responses: {
    200: { description: 'The status', content: { 'application/json': { schema: statusSchema } } },
    ...problems(),
  },
});

export function getStatus(app: Api, { chain }: ApiParts): void {
  app.openapi(route, async (c) => {
    const { genesisHash, validators, pending, consensus, equivocations, standbySigners, ...plain } =
      await chain.status();
    const body = {
      genesisHash: toHex(genesisHash),
      ...plain,
      pending: { ...pending },
      validators: validators.map(({ account, name, power }) => ({ account: accountIdToText(account), name, power })),
      equivocations: { count: equivocations.count, validators: equivocations.validators.map(accountIdToText) },
      standbySigners: standbySigners.map(accountIdToText),
      consensus: consensus === null ? null : { ...consensus },
    };
    return c.json(body, 200, { 'Cache-Control': NO_STORE });
  });
}
