/** `node api/write-openapi.ts` writes docs/openapi.json; a test fails when it is not what the routes say. */
import { Registry } from 'prom-client';
import type { ChainAccess } from '../node-core/ports/chain-access.ts';
import { createApi } from './app.ts';
import { openApiDocument } from './openapi.ts';

/** The committed text. No chain is asked: making the app and its document reads none. */
export function openApiText(): string {
  const clock = { now: () => 0, schedule: () => () => {} };
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const app = createApi({ chain: {} as ChainAccess, clock, log, metrics: new Registry() });
  return `${print(JSON.parse(JSON.stringify(openApiDocument(app))) as Json)}\n`;
}

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

const LINE_WIDTH = 120;

/** As the project's formatter lays JSON out: an array that holds no object stands on one line where it fits. */
export function print(value: Json, indent = '', column = 0): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const isArray = Array.isArray(value);
  const entries = Object.entries(value as { readonly [key: string]: Json });
  if (entries.length === 0) return isArray ? '[]' : '{}';
  const flat = isArray ? `[${entries.map(([, item]) => JSON.stringify(item)).join(', ')}]` : null;
  const holdsObject = entries.some(([, item]) => typeof item === 'object' && item !== null);
  if (flat !== null && !holdsObject && column + flat.length < LINE_WIDTH) return flat;
  const inner = `${indent}  `;
  const lines = entries.map(([name, item]) => {
    const lead = isArray ? inner : `${inner}${JSON.stringify(name)}: `;
    return lead + print(item, inner, lead.length);
  });
  const [open, close] = isArray ? ['[', ']'] : ['{', '}'];
  return `${open}\n${lines.join(',\n')}\n${indent}${close}`;
}

if (import.meta.main) {
  const { writeFileSync } = await import('node:fs');
  const { join } = await import('node:path');
  writeFileSync(join(import.meta.dirname, '..', 'docs', 'openapi.json'), openApiText());
}
