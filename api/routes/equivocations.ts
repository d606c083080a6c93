import { createRoute, z } from '@hono/zod-openapi';
import { EQUIVOCATION_KINDS } from '../../node-core/chain/equivocation.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { cacheable, NO_STORE } from '../http/caching.ts';
import type { Api, ApiParts } from '../parts.ts';
import { ProblemError, problems } from '../problem.ts';
import { accountId, accountIdParameter, binary, link, uint, uintParameter } from '../schemas.ts';
import { asBody, EQUIVOCATION_TYPE } from '../views/proof.ts';

const kind = z.enum(EQUIVOCATION_KINDS).openapi({ description: 'What the validator signed twice.' });

const listSchema = z
  .object({
    equivocations: z.array(z.object({ validator: accountId, height: uint, kind, evidence: link })),
  })
  .openapi('Equivocations');

const listRoute = createRoute({
  method: 'get',
  path: '/v1/equivocations',
  operationId: 'listEquivocations',
  tags: ['chain'],
  summary: 'Validators that have contradicted themselves, as far as this node has evidence',
  description: 'By validator, the lowest height first; of one validator the newest sixteen.',
  responses: {
    200: { description: 'What there is', content: { 'application/json': { schema: listSchema } } },
    ...problems(),
  },
});

const fileRoute = createRoute({
  method: 'get',
  path: '/v1/equivocations/{validator}/{height}/{kind}',
  operationId: 'getEquivocation',
  tags: ['chain'],
  summary: 'Evidence of one equivocation, for brop verify and every other verifier',
  request: { params: z.object({ validator: accountIdParameter, height: uintParameter, kind }) },
  responses: {
    200: { description: 'The evidence', content: { [EQUIVOCATION_TYPE]: { schema: binary } } },
    304: { description: 'The client has it' },
    ...problems(404),
  },
});

export function equivocations(app: Api, { chain, crypto }: ApiParts): void {
  app.openapi(listRoute, async (c) => {
    const names = await chain.equivocations();
    const rows = names.map(({ validator, height, kind: what }) => {
      const account = accountIdToText(validator);
      return { validator: account, height, kind: what, evidence: `/v1/equivocations/${account}/${height}/${what}` };
    });
    return c.json({ equivocations: rows }, 200, { 'Cache-Control': NO_STORE });
  });
  app.openapi(fileRoute, async (c) => {
    const evidence = await chain.equivocation(c.req.valid('param'));
    if (evidence === undefined) throw new ProblemError('NOT_FOUND');
    return cacheable(c, crypto, { body: asBody(evidence), type: EQUIVOCATION_TYPE, cacheControl: NO_STORE });
  });
}
