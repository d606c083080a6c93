import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

if (Number(process.versions.node.split('.')[0]) < 24) {
  throw new Error(`The tests need the pinned Node 24, this is ${process.version}: run them with npm test.`);
}

// Every process that a test starts would parse all of its TypeScript anew: three quarters of what most of them do.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('.cache/compile', import.meta.url));

/** Suites that start processes take longest: begun last, one of them would keep a single core busy at the end. */
const SLOW = /\/test\/(simulation|faults|aws|cli|api-fuzz|packaging|examples|interop|files|monitoring|browser)\//;

const PURE = ['node-core/**/*.test.ts', 'sdk/**/*.test.ts'];
const EXCLUDED = ['**/node_modules/**', '.cache/**', '.brop/**', '**/dist/**'];

class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isSlow = ({ moduleId }: TestSpecification) => SLOW.test(moduleId);
    return [...sorted.filter(isSlow), ...sorted.filter((file) => !isSlow(file))];
  }
}

export default defineConfig({
  test: {
    // Files of pure rooms change nothing outside themselves: they share processes, which saves a start for each.
    projects: [
      { extends: true, test: { name: 'pure', include: PURE, exclude: EXCLUDED, isolate: false } },
      { extends: true, test: { name: 'rest', include: ['**/*.test.ts'], exclude: [...EXCLUDED, ...PURE] } },
    ],
    // Processes rather than threads: native stores and libraries are loaded, and one suite cannot bring others down.
    pool: 'forks',
    // All cores: vitest leaves one free, which with two of them is half of the time.
    maxWorkers: availableParallelism(),
    sequence: { sequencer: SlowFirst },
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 10_000,
    // What functions log and count is for CloudWatch.
    env: { POWERTOOLS_LOG_LEVEL: 'SILENT', POWERTOOLS_METRICS_DISABLED: 'true', POWERTOOLS_SERVICE_NAME: 'brop' },
  },
});
