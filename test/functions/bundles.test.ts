/** The bundles as they are deployed: small, whole, and beginning without anything around them. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bundleFunctions, functionNames, MAX_BUNDLE_BYTES } from '../../scripts/bundle-functions.ts';

// Outside the project: what a bundle does not hold is not found.
const folder = mkdtempSync(join(tmpdir(), 'bundles-'));
let sizes: ReadonlyMap<string, number>;
beforeAll(async () => {
  sizes = await bundleFunctions(folder);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true }));

it.each(functionNames())('%s is below its bound, and has a handler without a package beside it', (name) => {
  expect(sizes.get(name)).toBeGreaterThan(0);
  expect(sizes.get(name)).toBeLessThan(MAX_BUNDLE_BYTES);
  const url = pathToFileURL(join(folder, name, 'index.mjs')).href;
  const script = `const { handler } = await import(${JSON.stringify(url)}); console.log(typeof handler);`;
  const environment = { PATH: process.env.PATH, AWS_REGION: 'eu-central-1', POWERTOOLS_DEV: 'true' };
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: folder, env: environment });
  expect(String(said).trim()).toBe('function');
});
