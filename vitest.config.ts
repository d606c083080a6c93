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

/** Files that change the process that they run in: modules are mocked, the environment is another one. */
const ALONE = ['test/{aws,interop}', 'nodes/{aws,signing}', 'scripts'].map((folder) => `${folder}/**/*.test.ts`);
const EXCLUDED = ['**/node_modules/**', '.cache/**', '.brop/**', '**/dist/**'];

class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // A shared process is kept as long as the next file goes into it, too: projects one after the other.
    const rank = ({ project, moduleId }: TestSpecification) =>
      (project.name === 'alone' ? 0 : 2) + (SLOW.test(moduleId) ? 0 : 1);
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    // Processes are shared by files that leave them as they were: a start, and loading all modules anew, is a second of CPU.
    projects: [
      { extends: true, test: { name: 'alone', include: ALONE, exclude: EXCLUDED } },
      {
        extends: true,
        test: { name: 'shared', include: ['**/*.test.ts'], exclude: [...EXCLUDED, ...ALONE], isolate: false },
      },
    ],
    // Processes rather than threads: native stores and libraries are loaded, and one suite cannot bring others down.
    pool: 'forks',
    // All cores: vitest leaves one free, which with two of them is half of the time.
    maxWorkers: availableParallelism(),
    sequence: { sequencer: SlowFirst },
    // What hangs ends; how long tests take says how busy the machine is.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 10_000,
    // What functions log and count is for CloudWatch.
    env: { POWERTOOLS_LOG_LEVEL: 'SILENT', POWERTOOLS_METRICS_DISABLED: 'true', POWERTOOLS_SERVICE_NAME: 'brop' },
  },
});
