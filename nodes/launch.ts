/** How a node is started as a process of its own: the flags that keep it small, and what makes it start quickly. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('./node/main.ts', import.meta.url));
const COMPILE_CACHE = join(fileURLToPath(new URL('..', import.meta.url)), '.cache', 'compile');

/**
 * V8 keeps garbage rather than collect it: the young generation of a busy node grows to 128 MB, the first collection of
 * the old one waits for more than a node ever has, the next for up to four times what is alive, and 64 MB of byte arrays
 * are not counted at all. A node has 30 to 50 MB alive; what it may grow by is counted from that and from the 16 MB of
 * lmdb's read buffer, which nobody ever touches. What the bounds are worth: test/bench/README.md.
 */
export const NODE_FLAGS: readonly string[] = [
  '--max-semi-space-size=4',
  '--heap-growing-percent=30',
  '--external-memory-accounted-in-global-limit',
  '--initial-old-space-size=32',
  '--disable-warning=ExperimentalWarning',
];

/**
 * For glibc, which keeps an arena of freed memory for each thread unless it is told to share one, and learns from large
 * blocks that were freed to keep such blocks for good unless it is given a bound.
 */
export const MALLOC = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: String(256 << 10),
  MALLOC_TRIM_THRESHOLD_: String(1 << 20),
};

/**
 * Starts `config` in a process of its own. Compiled code is kept: from it a node starts without the TypeScript parser.
 *
 * @param prefix words before the command line, such as those that run it in a network namespace.
 */
export function launchNode(
  config: string,
  options: Pick<SpawnOptions, 'stdio' | 'env'>,
  prefix: readonly string[] = [],
): ChildProcess {
  const env = { NODE_COMPILE_CACHE: COMPILE_CACHE, ...MALLOC, ...(options.env ?? process.env) };
  const [command = process.execPath, ...words] = [...prefix, process.execPath, ...NODE_FLAGS, PROGRAM, config];
  return spawn(command, words, { ...options, env });
}
