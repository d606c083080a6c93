import type { Context, MiddlewareHandler } from 'hono';
import type { ApiEnv, ApiParts } from '../parts.ts';
import { ProblemError } from '../problem.ts';
import { principalOf } from './authenticate.ts';

/**
 * Records a management call in the audit log: who, what, about what, when, and what came of it. Goes behind
 * `authenticate`; nothing of the request's body or token is recorded.
 *
 * @param target what the call is about; asked after the answer is made. It must hold nothing secret or personal.
 * @example
 * app.post('/v1/subscriptions', authenticate(parts, scope), audited(parts, 'subscription.create', (c) => …));
 */
export function audited(
  { audit, clock }: Pick<ApiParts, 'audit' | 'clock'>,
  action: string,
  target: (c: Context<ApiEnv>) => string | null = () => null,
): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    await next();
    if (c.req.method === 'OPTIONS') return;
    const { accountText: account, tokenId } = principalOf(c);
    audit?.append({ timeMs: clock.now(), account, tokenId, action, target: target(c), outcome: outcomeOf(c) });
  };
}

/** Errors of handlers have become answers here (Hono's compose), and are remembered beside them. */
function outcomeOf({ error, res }: Context<ApiEnv>): string {
  if (error instanceof ProblemError) return error.code;
  return error === undefined && res.status < 400 ? 'done' : 'INTERNAL';
}
