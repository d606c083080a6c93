import { createRoute, z } from '@hono/zod-openapi';
import { base64urlnopad } from '@scure/base';
import type { AccountId } from '../../node-core/chain/identifiers.ts';
import { NO_STORE } from '../http/caching.ts';
import type { Api, ApiParts } from '../parts.ts';
import { isRefusal, problems } from '../problem.ts';
import { expiryParameter, transactionParameters } from '../schemas.ts';
import {
  expiredSchema,
  finalSchema,
  finalView,
  identityView,
  pendingSchema,
  transactionPath,
  unknownSchema,
} from '../views/transaction.ts';

const statusSchema = z.discriminatedUnion('status', [pendingSchema, finalSchema, expiredSchema, unknownSchema]);
type Status = z.infer<typeof statusSchema>;

const route = createRoute({
  method: 'get',
  path: '/v1/transactions/{sender}/{nonce}',
  operationId: 'getTransaction',
  tags: ['transactions'],
  summary: 'Where a transaction is: pending, final, expired or unknown',
  description:
    'Give `expiry`, the height that was signed, to learn whether the transaction has expired: then the answer holds ' +
    'the expiry certificate, which proves that it was never packed and makes it safe to sign another. `unknown` ' +
    'proves nothing: the transaction may still be on its way.',
  request: { params: transactionParameters, query: z.strictObject({ expiry: expiryParameter.optional() }) },
  responses: {
    200: { description: 'Its status', content: { 'application/json': { schema: statusSchema } } },
    ...problems(410),
  },
});

export function getTransaction(app: Api, parts: ApiParts): void {
  app.openapi(route, async (c) => {
    const { sender, nonce } = c.req.valid('param');
    return c.json(await statusOf(parts, sender, nonce, c.req.valid('query').expiry), 200, {
      'Cache-Control': NO_STORE,
    });
  });
}

async function statusOf(
  parts: ApiParts,
  sender: AccountId,
  nonce: Uint8Array,
  expiry: number | undefined,
): Promise<Status> {
  const { chain } = parts;
  const found = await chain.transaction(sender, nonce);
  const identity = identityView(sender, nonce);
  const self = transactionPath(sender, nonce);
  if (found.status === 'final') return finalView(sender, nonce, found);
  if (found.status === 'pending') return { status: 'pending', ...identity, expiry: found.expiry, links: { self } };
  const certificate = expiry === undefined ? null : await chain.expiryCertificate(sender, nonce, expiry);
  if (expiry === undefined || certificate === null) return { status: 'unknown', ...identity, links: { self } };
  const links = { self, certificate: `${self}/expiry-certificate?expiry=${expiry}` };
  if (!isRefusal(certificate)) {
    return { status: 'expired', ...identity, expiry, certificate: base64urlnopad.encode(certificate), links };
  }
  if (certificate.code === 'STATE_NOT_KEPT')
    return { status: 'expired', ...identity, expiry, certificate: null, links };
  // It became final between the two questions.
  if (certificate.code === 'NONCE_USED') return statusOf(parts, sender, nonce, undefined);
  return { status: 'unknown', ...identity, links: { self } };
}
