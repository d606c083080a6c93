/**
 * How long a function takes to begin: a process of the pinned Node that loads the bundle and ends. On Lambda the sandbox
 * comes on top of it, and its CPU share decides: these are figures to compare with each other.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundleFunctions } from '../../scripts/bundle-functions.ts';
import { percentile } from './measure.ts';

const STARTS = 9;

function startMs(code: string): number {
  const start = performance.now();
  const environment = { PATH: process.env.PATH, AWS_REGION: 'eu-central-1', POWERTOOLS_DEV: 'true' };
  execFileSync(process.execPath, ['--input-type=module', '-e', code], { env: environment });
  return performance.now() - start;
}

function median(code: string): number {
  return percentile(
    Array.from({ length: STARTS }, () => startMs(code)),
    0.5,
  );
}

export async function benchFunctions(say: (line: string) => void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'brop-functions-'));
  try {
    const sizes = await bundleFunctions(folder);
    const bare = median('');
    const figures = [`node_start_ms=${bare.toFixed(0)}`];
    for (const [name, bytes] of sizes) {
      say(`${name}: ${STARTS} starts`);
      const url = pathToFileURL(join(folder, name, 'index.mjs')).href;
      const whole = median(`await import(${JSON.stringify(url)});`);
      figures.push(`${name}_start_ms=${whole.toFixed(0)} ${name}_bytes=${bytes}`);
    }
    process.stdout.write(`bench ${figures.join(' ')}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
