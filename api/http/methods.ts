/** What answers when no route does: 404, 405 with Allow, or to OPTIONS what may be asked, of browsers too (CORS). */
import type { NotFoundHandler } from 'hono';
import { TrieRouter } from 'hono/router/trie-router';
import type { Api, ApiEnv } from '../parts.ts';
import { ProblemError, problemResponse } from '../problem.ts';

/**
 * Any origin may read and submit: answers are public, a submission is authorised by the signature in it, the
 * rest by a token that a page must hold, and there are no cookies that a foreign page could misuse.
 */
export const CORS_HEADERS = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers':
    'ETag, Location, Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate',
} as const;

const PREFLIGHT_HEADERS = {
  // A gateway before this API may ask for X-Api-Key; the preflight comes as far as here all the same.
  'Access-Control-Allow-Headers':
    'Authorization, Content-Type, Prefer, If-None-Match, Last-Event-ID, traceparent, X-Api-Key',
  'Access-Control-Max-Age': '86400',
} as const;

/** Reads the routes of `app` when it is first asked, so that it may be made before they are. */
export function unmatched(app: Api): NotFoundHandler<ApiEnv> {
  let allowed: ((path: string) => readonly string[]) | null = null;
  return (c) => {
    allowed ??= methodTable(app);
    const methods = allowed(c.req.path);
    if (methods.length === 0)
      return problemResponse(c, new ProblemError('NOT_FOUND', { detail: 'there is no such route' }));
    const allow = [...methods, 'OPTIONS'].join(', ');
    if (c.req.method === 'OPTIONS') {
      return c.body(null, 204, { Allow: allow, 'Access-Control-Allow-Methods': allow, ...PREFLIGHT_HEADERS });
    }
    const options = { status: 405, detail: `allowed: ${allow}`, headers: { Allow: allow } } as const;
    return problemResponse(c, new ProblemError('BAD_REQUEST', options));
  };
}

function methodTable(app: Api): (path: string) => readonly string[] {
  const byPath = new Map<string, Set<string>>();
  for (const { method, path } of app.routes) {
    if (method === 'ALL') continue;
    const methods = byPath.get(path) ?? new Set();
    byPath.set(path, methods.add(method));
    if (method === 'GET') methods.add('HEAD');
  }
  const router = new TrieRouter<ReadonlySet<string>>();
  for (const [path, methods] of byPath) router.add('ALL', path, methods);
  return (path) => {
    const found = router.match('ALL', path)[0].flatMap(([methods]) => [...methods]);
    return [...new Set(found)];
  };
}
