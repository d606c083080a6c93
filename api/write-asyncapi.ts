/** `node api/write-asyncapi.ts` writes docs/asyncapi.json; a test fails when it is not what the table of events says. */
import { asyncApiDocument } from './asyncapi.ts';
import { print } from './write-openapi.ts';

/** The committed text. */
export function asyncApiText(): string {
  return `${print(asyncApiDocument())}\n`;
}

if (import.meta.main) {
  const { writeFileSync } = await import('node:fs');
  const { join } = await import('node:path');
  writeFileSync(join(import.meta.dirname, '..', 'docs', 'asyncapi.json'), asyncApiText());
}
