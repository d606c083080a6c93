/** docs/openapi.json is what the routes say, and a sound OpenAPI 3.1 document. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { accountIdFromText } from '../node-core/codec/account-id.ts';
import { fakeApi } from '../test/api/fake-api.ts';
import { openApiText } from './write-openapi.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required: boolean;
    readonly schema: Json;
  }[];
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Json }>>;
}
interface Document {
  readonly openapi: string;
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Json>> };
}

const committed = readFileSync(join(import.meta.dirname, '..', 'docs', 'openapi.json'), 'utf8');
const document = JSON.parse(committed) as Document;
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
);

function walk(value: Json, visit: (node: { [key: string]: Json }) => void): void {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) visit(value);
  for (const child of Object.values(value)) walk(child, visit);
}

describe('docs/openapi.json', () => {
  it('has not drifted from the routes; if it has: node api/write-openapi.ts', () => {
    expect(openApiText()).toBe(committed);
  });

  it('is what a node serves', async () => {
    const response = await fakeApi().api.request('/openapi.json');
    expect(await response.json()).toEqual(document);
  });

  it('describes every route that is served, but itself and the page made of it', () => {
    const described = operations.map(({ path, method }) => `${method.toUpperCase()} ${path}`);
    const served = fakeApi()
      .api.routes.filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)(\{[^}]*\})?/g, '{$1}')}`)
      .filter((route) => !['GET /openapi.json', 'GET /asyncapi.json', 'GET /docs'].includes(route));
    expect([...new Set(served)].sort()).toEqual(described.sort());
  });
});

describe('structure (OpenAPI 3.1)', () => {
  it('is version 3.1, with unique operation IDs, known tags and a summary for each operation', () => {
    expect(document.openapi).toMatch(/^3\.1\.\d+$/);
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    const tags = document.tags.map(({ name }) => name);
    for (const { operation } of operations) {
      expect(operation.summary).not.toBe('');
      expect(tags).toEqual(expect.arrayContaining([...operation.tags]));
    }
  });

  it.each(operations)('$method $path: path parameters, answers and problems', ({ path, operation }) => {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    const declared = (operation.parameters ?? []).filter((p) => p.in === 'path');
    expect(declared.map(({ name }) => name)).toEqual(inPath);
    for (const { required } of declared) expect(required).toBe(true);
    const statuses = Object.keys(operation.responses);
    expect(statuses.some((status) => /^[23]/.test(status))).toBe(true);
    expect(statuses).toEqual(expect.arrayContaining(['400', '429', '500']));
    for (const [status, { description, content }] of Object.entries(operation.responses)) {
      expect(description).not.toBe('');
      if (Number(status) >= 400) expect(Object.keys(content as object)).toEqual(['application/problem+json']);
    }
  });

  it('every reference leads somewhere, every pattern compiles, nothing is of OpenAPI 3.0', () => {
    walk(document as unknown as Json, (node) => {
      if (typeof node.$ref === 'string') {
        const name = /^#\/components\/schemas\/(\w+)$/.exec(node.$ref)?.[1];
        expect(Object.keys(document.components.schemas)).toContain(name);
      }
      if (typeof node.pattern === 'string') expect(() => new RegExp(String(node.pattern), 'u')).not.toThrow();
      expect(node).not.toHaveProperty('nullable');
    });
  });

  it('its examples are of the form that they are examples of', () => {
    const examples: string[] = [];
    walk(document as unknown as Json, ({ pattern, example }) => {
      if (typeof pattern !== 'string' || typeof example !== 'string') return;
      examples.push(example);
      expect(example).toMatch(new RegExp(pattern));
      if (example.startsWith('brop1')) expect(() => accountIdFromText(example)).not.toThrow();
    });
    expect(examples.length).toBeGreaterThan(0);
  });
});
