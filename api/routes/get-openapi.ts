import { cacheable } from '../http/caching.ts';
import { openApiDocument } from '../openapi.ts';
import type { Api, ApiParts } from '../parts.ts';

/** Not immutable: a release of the node may bring routes. */
const SHORT = 'public, max-age=300';

/** The document does not describe itself. */
export function getOpenApi(app: Api, { crypto }: ApiParts): void {
  let text: string | null = null;
  app.get('/openapi.json', (c) => {
    text ??= JSON.stringify(openApiDocument(app));
    return cacheable(c, crypto, { body: text, type: 'application/json', cacheControl: SHORT });
  });
}
