import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { apiTypes, apiTypesOfDocument } from './api-types.ts';

it('the types of the typed client have not drifted from the document; if they have: node scripts/api-types.ts', () => {
  expect(readFileSync(new URL('../sdk/api-types.ts', import.meta.url), 'utf8')).toBe(apiTypesOfDocument());
});

it('refuses what it would have to guess', () => {
  const document = (schema: object) => ({ paths: {}, components: { schemas: { Some: schema } } });
  expect(apiTypes(document({ type: ['string', 'null'] }))).toContain('Some: (string | null);');
  expect(() => apiTypes(document({ type: 'tuple' }))).toThrow('an unknown type: tuple');
  expect(() => apiTypes(document({ $ref: 'other.json' }))).toThrow('a reference to elsewhere');
});
