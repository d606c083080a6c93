/** Runs the `brop` command as its users do: a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

export interface Ran {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The last line of standard output as JSON, for calls with `--json`. */
  json(): Record<string, unknown>;
}

export function start(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd?: string,
  stdin: 'ignore' | 'pipe' = 'ignore',
): ChildProcess {
  // A profile or a pinned genesis of whoever runs the tests must not leak in.
  const { BROP_HOME: _, BROP_PROFILE: __, BROP_GENESIS: ___, BROP_API_KEY: ____, ...rest } = process.env;
  return spawn(process.execPath, [MAIN, ...args], {
    env: { ...rest, ...env },
    ...(cwd !== undefined && { cwd }),
    stdio: [stdin, 'pipe', 'pipe'],
  });
}

export async function brop(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd?: string,
  input?: string,
): Promise<Ran> {
  const child = start(args, env, cwd, input === undefined ? 'ignore' : 'pipe');
  child.stdin?.end(input);
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => {
    stdout += String(chunk);
  });
  child.stderr?.on('data', (chunk) => {
    stderr += String(chunk);
  });
  const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const json = () => JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
  return { exitCode, stdout, stderr, json };
}

/** Resolves with the first line of standard error or output that matches. */
export function lineOf(child: ChildProcess, pattern: RegExp): Promise<RegExpMatchArray> {
  return new Promise((resolve, reject) => {
    let seen = '';
    const look = (chunk: unknown) => {
      seen += String(chunk);
      const match = pattern.exec(seen);
      if (match !== null) resolve(match);
    };
    child.stdout?.on('data', look);
    child.stderr?.on('data', look);
    child.once('exit', (code) => reject(new Error(`ended with ${code} before ${pattern}: ${seen}`)));
  });
}
