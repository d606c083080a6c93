/** How a node is started as a process of its own: the flags that keep it small, and what makes it start quickly. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('./node/main.ts', import.meta.url));
const COMPILE_CACHE = join(fileURLToPath(new URL('..', import.meta.url)), '.cache', 'compile');

/**
 * V8 lets the young generation of a busy node grow to 128 MB, half of all its memory; with 16 MB it collects more often
 * and is no slower.
 */
export const NODE_FLAGS: readonly string[] = ['--max-semi-space-size=8', '--disable-warning=ExperimentalWarning'];

/**
 * Starts `config` in a process of its own. Compiled code is kept: from it a node starts without the TypeScript parser.
 * glibc keeps an arena of freed memory for each thread, unless it is told to share two.
 *
 * @param prefix words before the command line, such as those that run it in a network namespace.
 */
export function launchNode(
  config: string,
  options: Pick<SpawnOptions, 'stdio' | 'env'>,
  prefix: readonly string[] = [],
): ChildProcess {
  const env = { NODE_COMPILE_CACHE: COMPILE_CACHE, MALLOC_ARENA_MAX: '2', ...(options.env ?? process.env) };
  const [command = process.execPath, ...words] = [...prefix, process.execPath, ...NODE_FLAGS, PROGRAM, config];
  return spawn(command, words, { ...options, env });
}
