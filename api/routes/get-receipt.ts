import { createRoute } from '@hono/zod-openapi';
import { cacheable } from '../http/caching.ts';
import type { Api, ApiParts } from '../parts.ts';
import { ProblemError, problems } from '../problem.ts';
import { transactionParameters } from '../schemas.ts';
import { receiptBody, receiptContent, receiptForm } from '../views/proof.ts';

const route = createRoute({
  method: 'get',
  path: '/v1/transactions/{sender}/{nonce}/receipt',
  operationId: 'getReceipt',
  tags: ['transactions'],
  summary: 'The receipt of a final transaction',
  description:
    'By Accept: the receipt file (application/vnd.brop.receipt+cbor), its JSON form, or as application/cose a SCITT ' +
    'Transparent Statement (RFC 9943), which a rejected transaction has none of. A receipt never changes.',
  request: { params: transactionParameters },
  responses: {
    200: { description: 'The receipt', content: receiptContent },
    304: { description: 'The client has it' },
    ...problems(404, 406, 410, 422),
  },
});

export function getReceipt(app: Api, { chain, crypto }: ApiParts): void {
  app.openapi(route, async (c) => {
    const form = receiptForm(c.req.header('Accept'));
    const { sender, nonce } = c.req.valid('param');
    const receipt = await chain.receipt(sender, nonce);
    if (receipt === undefined) throw new ProblemError('NOT_FOUND', { detail: 'the transaction is not final here' });
    return cacheable(c, crypto, { body: receiptBody(crypto, receipt, form), type: form, vary: 'Accept' });
  });
}
