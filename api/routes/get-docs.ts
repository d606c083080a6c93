import { base64 } from '@scure/base';
import { utf8 } from '../../node-core/codec/bytes.ts';
import { docsPage } from '../docs/page.ts';
import { STYLE } from '../docs/style.ts';
import { cacheable } from '../http/caching.ts';
import { openApiDocument } from '../openapi.ts';
import type { Api, ApiParts } from '../parts.ts';

const SHORT = 'public, max-age=300';

/** The document for people: one page, no script, nothing loaded from anywhere. */
export function getDocs(app: Api, { crypto }: ApiParts): void {
  // The one style sheet is in the page; its digest is all that the policy lets through.
  const styleHash = base64.encode(crypto.hash('sha-256', utf8(STYLE)));
  const headers = {
    'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    'X-Frame-Options': 'DENY',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': 'same-origin',
  };
  let page: string | null = null;
  app.get('/docs', async (c) => {
    page ??= String(await docsPage(openApiDocument(app)));
    return cacheable(c, crypto, { body: page, type: 'text/html; charset=utf-8', cacheControl: SHORT, headers });
  });
}
