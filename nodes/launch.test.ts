/** The flags hold a node's garbage down; V8 takes them, and without them the same work needs half as much again. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { launchNode, NODE_FLAGS } from './launch.ts';

/** As in a mempool: 4,000 objects with bytes of their own live for a while, and go in the order in which they came. */
const CHURN = `
const ring = new Array(4000);
let peak = 0;
for (let i = 0; i < 400_000; i++) {
  ring[i % 4000] = { bytes: new Uint8Array(500), more: Array.from({ length: 40 }, (_, j) => ({ j, i })) };
  if (i % 500 !== 0) continue;
  const { heapUsed, external } = process.memoryUsage();
  peak = Math.max(peak, heapUsed + external);
}
console.log(Math.round(peak / 1e6));
`;

const peakMb = (flags: readonly string[]) =>
  Number(execFileSync(process.execPath, [...flags, '-e', CHURN], { encoding: 'utf8' }));

describe('the flags of a node', () => {
  it('hold the garbage down', { timeout: 60_000 }, () => {
    const [free, held] = [peakMb([]), peakMb(NODE_FLAGS)];
    expect(held).toBeLessThan(60);
    expect(free).toBeGreaterThan(1.5 * held);
  });

  it('come with bounds for malloc, which an operator may set otherwise', async () => {
    // The command ends at once: words that come before it are run in its place.
    const child = launchNode('no.json', { stdio: ['ignore', 'pipe', 'inherit'], env: { MALLOC_ARENA_MAX: '3' } }, [
      '/usr/bin/env',
      '--',
      'sh',
      '-c',
      'env',
    ]);
    let output = '';
    child.stdout?.on('data', (chunk) => {
      output += String(chunk);
    });
    await once(child, 'close');
    expect(output).toMatch(/^MALLOC_ARENA_MAX=3$/m);
    expect(output).toMatch(/^MALLOC_MMAP_THRESHOLD_=262144$/m);
    expect(output).toMatch(/^MALLOC_TRIM_THRESHOLD_=1048576$/m);
  });
});
