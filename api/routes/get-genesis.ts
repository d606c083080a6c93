import { createRoute } from '@hono/zod-openapi';
import { cacheable } from '../http/caching.ts';
import type { Api, ApiParts } from '../parts.ts';
import { problems } from '../problem.ts';
import { binary } from '../schemas.ts';
import { asBody } from '../views/proof.ts';

/** RFC 9052 §11.3.1. */
const GENESIS_TYPE = 'application/cose; cose-type="cose-sign1"';

const route = createRoute({
  method: 'get',
  path: '/v1/genesis',
  operationId: 'getGenesis',
  tags: ['chain'],
  summary: 'The exact bytes of the genesis',
  description: "A COSE_Sign1 by the operator. Its SHA-256 is the chain's name, and all that a verifier has to trust.",
  responses: {
    200: { description: 'The genesis', content: { 'application/cose': { schema: binary } } },
    304: { description: 'The client has it' },
    ...problems(),
  },
});

export function getGenesis(app: Api, { chain, crypto }: ApiParts): void {
  app.openapi(route, (c) => cacheable(c, crypto, { body: asBody(chain.genesis), type: GENESIS_TYPE }));
}
