/** Progress of work that takes longer than a glance: one line that rewrites itself on a terminal, sparse lines elsewhere. */
import type { Output } from './command.ts';

const QUIET_EVERY_MS = 2_000;

export interface Progress {
  /** @param of in place of the total that was expected. */
  step(done: number, of?: number): void;
  end(): void;
}

export function progress(what: string, total: number): Progress {
  const terminal = process.stderr.isTTY === true;
  let lastMs = performance.now();
  const show = (done: number, of: number) => {
    if (terminal) process.stderr.write(`\r${what} ${done}/${of}`);
    else process.stderr.write(`${what} ${done}/${of}\n`);
  };
  return {
    step: (done, of = total) => {
      const now = performance.now();
      if (!terminal && now - lastMs < QUIET_EVERY_MS) return;
      lastMs = now;
      show(done, of);
    },
    end: () => {
      if (terminal) process.stderr.write('\r\u001b[K');
    },
  };
}

/** For work that says all the time what it is at: a line now and then. */
export function sparsely({ progress }: Pick<Output, 'progress'>): (step: string) => void {
  let lastMs = performance.now();
  return (step) => {
    const now = performance.now();
    if (now - lastMs < QUIET_EVERY_MS) return;
    lastMs = now;
    progress(`… ${step}`);
  };
}

/** Runs `job` over all items, at most `width` at a time, results in the order of the items. */
export async function inParallel<T, R>(
  items: readonly T[],
  width: number,
  job: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length);
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < items.length; index = next++) results[index] = await job(items[index]!, index);
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
  return results;
}

/** A plain table; columns as wide as their widest cell. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const width = (column: number) => Math.max(...[head, ...rows].map((row) => row[column]!.length));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => cell.padEnd(width(i)))
      .join('  ')
      .trimEnd();
  return [line(head), line(head.map((_, i) => '─'.repeat(width(i)))), ...rows.map(line)].join('\n');
}
