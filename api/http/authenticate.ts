/**
 * Routes that are an account's own. Use it in front of a route, so that whoever may not ask is told before the request
 * is looked at:
 *
 * @example
 * app.post('/v1/subscriptions', authenticate(parts, 'subscriptions:manage'));
 * app.openapi(route, async (c) => {
 *   const { account, accountText } = principalOf(c);
 *   …
 * });
 * // In the route: security: needsScope('subscriptions:manage'), responses: { …, ...problems(401, 403) }
 */
import type { Context, MiddlewareHandler } from 'hono';
import type { Scope } from '../../node-core/chain/scopes.ts';
import type { Principal } from '../auth/tokens.ts';
import type { ApiEnv, ApiParts } from '../parts.ts';
import { ProblemError, type ProblemOptions } from '../problem.ts';
import { setRateLimit } from './rate-limit.ts';

/** Name of the security scheme in the OpenAPI document. */
export const SECURITY_SCHEME = 'accountToken';

/** `security` of a route for its OpenAPI description. */
export function needsScope(scope: Scope) {
  return [{ [SECURITY_SCHEME]: [scope] }];
}

/**
 * Lets a request through whose bearer token (RFC 6750) holds, is good for `scope`, and whose account has not used up
 * its rate.
 *
 * @throws {ProblemError} AUTHENTICATION_REQUIRED, TOKEN_INVALID, TOKEN_EXPIRED, TOKEN_REVOKED (401), SCOPE_MISSING
 *   (403), TOO_MANY_REQUESTS (429)
 */
export function authenticate(
  parts: Pick<ApiParts, 'tokens' | 'accountLimiter'>,
  scope: Scope,
): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    // A browser's preflight carries no token, and asks for nothing.
    if (c.req.method === 'OPTIONS') return next();
    const principal = await verified(parts, bearerToken(c.req.header('Authorization'), scope), scope);
    if (!principal.scopes.has(scope)) {
      throw new ProblemError('SCOPE_MISSING', { detail: scope, ...challenge(scope, 'insufficient_scope') });
    }
    setRateLimit(c, parts.accountLimiter, principal.accountText);
    c.set('principal', principal);
    return next();
  };
}

/** Who asks, behind {@link authenticate}. */
export function principalOf(c: Context<ApiEnv>): Principal {
  const principal = c.get('principal');
  if (principal === undefined) throw new Error('a route without authenticate in front of it');
  return principal;
}

async function verified({ tokens }: Pick<ApiParts, 'tokens'>, token: string, scope: Scope): Promise<Principal> {
  try {
    return await tokens.verify(token);
  } catch (error) {
    if (!(error instanceof ProblemError) || !error.code.startsWith('TOKEN_')) throw error;
    throw new ProblemError(error.code, challenge(scope, 'invalid_token'));
  }
}

function bearerToken(authorization: string | undefined, scope: Scope): string {
  const [, token] = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i.exec(authorization ?? '') ?? [];
  if (token !== undefined) return token;
  throw new ProblemError('AUTHENTICATION_REQUIRED', challenge(scope));
}

/** RFC 6750 §3: without a token there is no error to name. */
function challenge(scope: Scope, error?: 'invalid_token' | 'insufficient_scope'): ProblemOptions {
  const parameters = [`realm="brop"`, `scope="${scope}"`, ...(error === undefined ? [] : [`error="${error}"`])];
  return { headers: { 'WWW-Authenticate': `Bearer ${parameters.join(', ')}` } };
}
