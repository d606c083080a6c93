import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface Child {
  readonly process: ChildProcess;
  /** Lines of standard output so far. */
  readonly lines: string[];
  readonly errors: () => string;
  /** Resolves at the first line that `matches`; rejects when the child ends before. */
  line(matches: (line: string) => boolean): Promise<string>;
  /** Sends the signal, SIGKILL by default, and waits for the end. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

/** Runs a script with this Node. */
export function startChild(script: URL, ...args: string[]): Child {
  const path = fileURLToPath(script);
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  const waiting: (() => void)[] = [];
  let rest = '';
  let errors = '';
  let ended = false;
  child.stdout.on('data', (data: Buffer) => {
    const parts = (rest + data.toString()).split('\n');
    rest = parts.pop()!;
    lines.push(...parts);
    for (const wake of waiting.splice(0)) wake();
  });
  child.stderr.on('data', (data: Buffer) => {
    errors += data.toString();
  });
  child.on('close', () => {
    ended = true;
    for (const wake of waiting.splice(0)) wake();
  });
  return {
    process: child,
    lines,
    errors: () => errors,
    async line(matches) {
      for (;;) {
        const found = lines.find(matches);
        if (found !== undefined) return found;
        if (ended) throw new Error(`${path} ended early (${child.exitCode ?? child.signalCode}): ${errors}`);
        await new Promise<void>((wake) => waiting.push(wake));
      }
    },
    async end(signal = 'SIGKILL') {
      if (ended) return;
      child.kill(signal);
      await once(child, 'close');
    },
  };
}
