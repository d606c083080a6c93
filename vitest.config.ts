import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

if (Number(process.versions.node.split('.')[0]) < 24) {
  throw new Error(`The tests need the pinned Node 24, this is ${process.version}: run them with npm test.`);
}

// Every process that a test starts would parse all of its TypeScript anew: three quarters of what most of them do.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('.cache/compile', import.meta.url));

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', '.cache/**', '.brop/**', '**/dist/**'],
    // Processes rather than threads: native stores and libraries are loaded, and one suite cannot bring others down.
    pool: 'forks',
    // All cores: vitest leaves one free, which with two of them is half of the time.
    maxWorkers: availableParallelism(),
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 10_000,
  },
});
