import { createRoute, z } from '@hono/zod-openapi';
import { authenticate, needsScope, principalOf } from '../http/authenticate.ts';
import { NO_STORE } from '../http/caching.ts';
import type { Api, ApiParts } from '../parts.ts';
import { problems } from '../problem.ts';
import { timeMs, uint, uintParameter } from '../schemas.ts';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;

const entrySchema = z
  .object({
    number: uint.openapi({ description: 'Ascending with time.' }),
    timeMs,
    action: z.string().openapi({ example: 'login' }),
    target: z.string().nullable().openapi({ description: 'What it was about.' }),
    outcome: z
      .string()
      .openapi({ description: '`done`, the name of the code of the refusal, or why a subscription was disabled.' }),
    tokenId: z.string().openapi({
      description: 'Names the access token (`jti`); empty for what the node did: `subscription.disabled`.',
    }),
  })
  .openapi('AuditEntry');

const pageSchema = z
  .object({
    entries: z.array(entrySchema),
    next: uint.nullable().openapi({ description: '`before` of the next page; null when this is the last.' }),
  })
  .openapi('AuditPage');

const SCOPE = 'audit:read';

const route = createRoute({
  method: 'get',
  path: '/v1/audit',
  operationId: 'getAudit',
  tags: ['authentication'],
  summary: 'What this account has done here',
  description:
    'Logins and management calls of the account on this node, and endpoints of it that were disabled, newest first: the ' +
    'newest 200 are kept for it. Whoever ' +
    'finds a login here that was not its own should have its key changed.',
  security: needsScope(SCOPE),
  request: {
    query: z.strictObject({
      before: uintParameter.optional().openapi({ description: 'Entries with a lower number than this.' }),
      limit: uintParameter
        .refine((limit) => limit >= 1 && limit <= MAX_LIMIT, `1 to ${MAX_LIMIT}`)
        .optional()
        .openapi({ description: `1 to ${MAX_LIMIT}; ${DEFAULT_LIMIT} without it.` }),
    }),
  },
  responses: {
    200: { description: 'The entries', content: { 'application/json': { schema: pageSchema } } },
    ...problems(401, 403),
  },
});

export function getAudit(app: Api, parts: ApiParts): void {
  app.get(route.getRoutingPath(), authenticate(parts, SCOPE));
  app.openapi(route, async (c) => {
    const { before = Number.MAX_SAFE_INTEGER, limit = DEFAULT_LIMIT } = c.req.valid('query');
    const found = (await parts.audit?.of(principalOf(c).accountText, before, limit)) ?? [];
    const entries = found.map(({ account: _, ...entry }) => entry);
    const next = entries.length === limit ? entries.at(-1)!.number : null;
    return c.json({ entries, next }, 200, { 'Cache-Control': NO_STORE });
  });
}
