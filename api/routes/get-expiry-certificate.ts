import { createRoute, z } from '@hono/zod-openapi';
import { NO_STORE } from '../http/caching.ts';
import type { Api, ApiParts } from '../parts.ts';
import { orProblem, problems } from '../problem.ts';
import { expiryParameter, transactionParameters } from '../schemas.ts';
import { EXPIRY_CERTIFICATE_TYPE, proofContent, proofResponse } from '../views/proof.ts';

const route = createRoute({
  method: 'get',
  path: '/v1/transactions/{sender}/{nonce}/expiry-certificate',
  operationId: 'getExpiryCertificate',
  tags: ['transactions'],
  summary: 'Proof that a transaction was never packed and never can be (超时证明)',
  description:
    'Needs the expiry height that was signed. 4040 before that height, 1106 when it was packed after all, 4041 when ' +
    'the nonces of that expiry are no longer kept.',
  request: { params: transactionParameters, query: z.strictObject({ expiry: expiryParameter }) },
  responses: {
    200: { description: 'The expiry certificate', content: proofContent(EXPIRY_CERTIFICATE_TYPE) },
    304: { description: 'The client has it' },
    ...problems(404, 406, 409, 410),
  },
});

export function getExpiryCertificate(app: Api, { chain, crypto }: ApiParts): void {
  app.openapi(route, async (c) => {
    const { sender, nonce } = c.req.valid('param');
    const certificate = orProblem(await chain.expiryCertificate(sender, nonce, c.req.valid('query').expiry));
    return proofResponse(c, crypto, certificate, EXPIRY_CERTIFICATE_TYPE, NO_STORE);
  });
}
