// The tree itself: types, lint, format and the rules of scripts/tidy.ts hold, so that `npm test` fails when they do not.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const bin = (name: string): string => join(root, 'node_modules', '.bin', name);

/** What a program printed when it failed; empty when it exited 0. */
function complaints(program: string, ...args: string[]): Promise<string> {
  return new Promise((done) => {
    const options = { cwd: root, maxBuffer: 64 * 1024 * 1024, env: { ...process.env, NO_COLOR: '1' } };
    execFile(program, args, options, (error, stdout, stderr) => {
      done(error === null ? '' : `${stdout}${stderr}` || error.message);
    });
  });
}

describe('the house', { timeout: 180_000 }, () => {
  test('types hold in the whole tree', async () => {
    expect(await complaints(bin('tsc'), '-p', '.')).toBe('');
  });

  test('types hold in the pure rooms without any host', async () => {
    expect(await complaints(bin('tsc'), '-p', 'node-core')).toBe('');
  });

  test('Biome finds nothing in lint and format', async () => {
    expect(await complaints(bin('biome'), 'check', '--diagnostic-level=error', '--max-diagnostics=50', '.')).toBe('');
  });

  test('tidy finds nothing', async () => {
    expect(await complaints(process.execPath, join('scripts', 'tidy.ts'))).toBe('');
  });

  test('the lock file names no registry', () => {
    const lock: { packages: Record<string, { resolved?: string }> } = JSON.parse(
      readFileSync(join(root, 'package-lock.json'), 'utf8'),
    );
    expect(Object.entries(lock.packages).filter(([, entry]) => entry.resolved !== undefined)).toEqual([]);
  });
});
