import { createRoute, z } from '@hono/zod-openapi';
import { MAX_CHALLENGE_BYTES } from '../../node-core/chain/challenge.ts';
import { accountIdToText } from '../../node-core/codec/account-id.ts';
import { TOKEN_LIFETIME_SECONDS } from '../auth/tokens.ts';
import { NO_STORE } from '../http/caching.ts';
import { base64urlField, JSON_TYPE, readJson } from '../http/json-body.ts';
import { MAX_SIGNATURE_BYTES } from '../http/signature.ts';
import type { Api, ApiParts } from '../parts.ts';
import { problems } from '../problem.ts';

const MAX_BODY_BYTES = 4_096;

const requestSchema = z
  .strictObject({
    challenge: base64urlField(1, MAX_CHALLENGE_BYTES, 'As it came.'),
    signature: base64urlField(
      8,
      MAX_SIGNATURE_BYTES,
      'Of `message`, by the key of the account: 64 bytes, or ECDSA on P-256 in DER.',
    ),
  })
  .openapi('TokenRequest');

const tokenSchema = z
  .object({
    access_token: z.string(),
    token_type: z.literal('Bearer'),
    expires_in: z.int().openapi({ description: 'Seconds.' }),
    scope: z.string().openapi({ description: 'What it is good for, separated by blanks.' }),
  })
  .openapi('AccessToken', { description: 'Members as in RFC 6749 §5.1. There is no refresh token: sign again.' });

const route = createRoute({
  method: 'post',
  path: '/v1/auth/token',
  operationId: 'createToken',
  tags: ['authentication'],
  summary: 'An access token for a signed challenge',
  description:
    'Send the token as `Authorization: Bearer …`. It is good on this node for this chain, for 15 minutes, and ends at ' +
    'once when the key of the account changes.',
  request: { body: { required: true, content: { [JSON_TYPE]: { schema: requestSchema } } } },
  responses: {
    200: { description: 'The token', content: { [JSON_TYPE]: { schema: tokenSchema } } },
    ...problems(403, 413, 415, 503),
  },
});

export function createToken(app: Api, { challenges, tokens, audit, clock }: ApiParts): void {
  app.openAPIRegistry.registerPath(route);
  app.post(route.getRoutingPath(), async (c) => {
    const { challenge, signature } = await readJson(c, requestSchema, MAX_BODY_BYTES);
    const proven = await challenges.redeem(challenge, signature);
    const { token, tokenId } = await tokens.issue(proven);
    const account = accountIdToText(proven.account);
    // Only what the account's key has signed: strangers must not fill the log of others.
    audit?.append({ timeMs: clock.now(), account, tokenId, action: 'login', target: null, outcome: 'done' });
    const body: z.infer<typeof tokenSchema> = {
      access_token: token,
      token_type: 'Bearer',
      expires_in: TOKEN_LIFETIME_SECONDS,
      scope: proven.scopes.join(' '),
    };
    return c.json(body, 200, { 'Cache-Control': NO_STORE, Pragma: 'no-cache' });
  });
}
