import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CODES } from '../../node-core/chain/codes.ts';
import { fakeApi } from '../../test/api/fake-api.ts';
import { docsPage } from '../docs/page.ts';
import { openApiDocument } from '../openapi.ts';

async function page() {
  const { api } = fakeApi();
  const response = await api.request('/docs');
  return { response, text: await response.text(), document: openApiDocument(api) };
}

describe('happy', () => {
  it('shows every operation, every schema and every code', async () => {
    const { text, document } = await page();
    for (const item of Object.values(document.paths ?? {})) {
      for (const operation of Object.values(item) as { operationId: string }[])
        expect(text).toContain(`<article id="${operation.operationId}"`);
    }
    for (const name of Object.keys(document.components?.schemas ?? {})) expect(text).toContain(`id="schema-${name}"`);
    for (const [name, { number }] of Object.entries(CODES))
      expect(text).toContain(`<td>${number}</td><td><code>${name}</code>`);
  });

  it('is for everybody: language, landmarks, a skip link, headed tables, unique IDs, links that lead somewhere', async () => {
    const { text } = await page();
    expect(text).toMatch(/^<!doctype html>\n<html lang="en">/);
    for (const landmark of ['<main id="main">', '<nav aria-label=', '<header>', 'class="skip" href="#main"'])
      expect(text).toContain(landmark);
    expect(text).toContain('prefers-color-scheme:dark');
    const ids = [...text.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, target] of text.matchAll(/href="#([^"]+)"/g)) expect(ids).toContain(target);
    expect(text.match(/<table>/g)?.length).toBe(text.match(/<thead>/g)?.length);
    expect(text).not.toMatch(/\[object|undefined|NaN|`/);
    expect(text).toContain('<code>Prefer: wait=10</code>');
  });
});

describe('security', () => {
  it('loads and runs nothing: no script, no address elsewhere, a policy that lets one style sheet through', async () => {
    const { response, text } = await page();
    expect(text).not.toMatch(/<script|<img|<link|<iframe|\son\w+=|\sstyle="|https?:|@import|url\(/i);
    const style = /<style>([\s\S]*)<\/style>/.exec(text)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    const policy = response.headers.get('Content-Security-Policy');
    expect(policy).toContain(`default-src 'none'; style-src 'sha256-${hash}'`);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(response.headers.get('X-Frame-Options')).toBe('DENY');
    expect(response.headers.get('Referrer-Policy')).toBe('no-referrer');
  });

  it('escapes what it shows', async () => {
    const evil = '"><script>alert(1)</script>';
    const { document } = await page();
    const text = String(await docsPage({ ...document, info: { ...document.info, title: evil, description: evil } }));
    expect(text).not.toContain('<script>');
    expect(text).toContain('&lt;script&gt;');
  });
});
