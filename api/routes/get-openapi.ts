import { asyncApiDocument } from '../asyncapi.ts';
import { cacheable } from '../http/caching.ts';
import { openApiDocument } from '../openapi.ts';
import type { Api, ApiParts } from '../parts.ts';

/** Not immutable: a release of the node may bring routes. */
const SHORT = 'public, max-age=300';

/** The documents do not describe themselves: OpenAPI of the routes, AsyncAPI of the events. */
export function getOpenApi(app: Api, { crypto }: ApiParts): void {
  let text: string | null = null;
  let events: string | null = null;
  app.get('/asyncapi.json', (c) => {
    events ??= JSON.stringify(asyncApiDocument());
    return cacheable(c, crypto, { body: events, type: 'application/json', cacheControl: SHORT });
  });
  app.get('/openapi.json', (c) => {
    text ??= JSON.stringify(openApiDocument(app));
    return cacheable(c, crypto, { body: text, type: 'application/json', cacheControl: SHORT });
  });
}
