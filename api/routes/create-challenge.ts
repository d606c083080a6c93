import { createRoute, z } from '@hono/zod-openapi';
import { base64urlnopad } from '@scure/base';
import { SCOPE_NAMES, SCOPES, type Scope } from '../../node-core/chain/scopes.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { NO_STORE } from '../http/caching.ts';
import { JSON_TYPE, readJson } from '../http/json-body.ts';
import type { Api, ApiParts } from '../parts.ts';
import { problems } from '../problem.ts';
import { accountId, accountIdParameter, timeMs } from '../schemas.ts';

const MAX_BODY_BYTES = 2_048;

const scopeNames = z.enum(SCOPE_NAMES as [Scope, ...Scope[]]).openapi({
  description: Object.entries(SCOPES)
    .map(([name, text]) => `\`${name}\`: ${text}`)
    .join('\n'),
});

const requestSchema = z
  .strictObject({
    account: accountIdParameter,
    scopes: z
      .array(scopeNames)
      .min(1)
      .max(SCOPE_NAMES.length)
      .refine((list) => new Set(list).size === list.length, 'a scope is there twice'),
    origin: z.string().max(256).optional().openapi({
      description: 'By which the client reaches the node; the name of the node without it.',
      example: 'https://node.example',
    }),
  })
  .openapi('ChallengeRequest');

const base64url = z.string().openapi({ description: 'base64url without padding' });

const challengeSchema = z
  .object({
    challenge: base64url.openapi({ description: 'To be sent back as it is, to POST /v1/auth/token.' }),
    message: base64url.openapi({
      description: 'The exact bytes to sign with the key of the account: the Sig_structure in the challenge.',
    }),
    account: accountId,
    scopes: z.array(z.string()),
    origin: z.string().openapi({ description: 'Sign only when this is how you reach the node.' }),
    expiresMs: timeMs,
  })
  .openapi('Challenge');

const route = createRoute({
  method: 'post',
  path: '/v1/auth/challenge',
  operationId: 'createChallenge',
  tags: ['authentication'],
  summary: 'A challenge for an account to sign',
  description:
    'Holds for two minutes, and for one token. What is signed names chain, account, origin and scopes: read it before ' +
    'you sign (docs/authentication.md says how). It can be mistaken for no transaction.',
  request: { body: { required: true, content: { [JSON_TYPE]: { schema: requestSchema } } } },
  responses: {
    200: { description: 'The challenge', content: { [JSON_TYPE]: { schema: challengeSchema } } },
    ...problems(403, 413, 415),
  },
});

export function createChallenge(app: Api, { challenges }: ApiParts): void {
  app.openAPIRegistry.registerPath(route);
  app.post(route.getRoutingPath(), async (c) => {
    const { account, scopes, origin } = await readJson(c, requestSchema, MAX_BODY_BYTES);
    const { bytes, challenge } = await challenges.issue(account, scopes, origin);
    const body: z.infer<typeof challengeSchema> = {
      challenge: base64urlnopad.encode(bytes),
      message: base64urlnopad.encode(challenge.message),
      account: accountIdToText(challenge.account),
      scopes: [...challenge.scopes],
      origin: challenge.origin,
      expiresMs: challenge.expiresMs,
    };
    return c.json(body, 200, { 'Cache-Control': NO_STORE });
  });
}
