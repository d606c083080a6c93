/** A process whose event loop is held by a call that never returns, as a token's driver may. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const module = JSON.stringify(join(import.meta.dirname, 'end-for-sure.ts'));

async function endOf(script: string) {
  const code = `const { endForSure } = await import(${module}); ${script}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  return new Promise((resolve) => child.once('exit', (exitCode, signal) => resolve(exitCode ?? signal)));
}

test('a process that is held by a call that never returns ends all the same', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'brop-end-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  // Opening a pipe that nobody writes to blocks a thread of the pool, as a hung C_Sign does.
  const hang = `(await import('node:fs')).open(${JSON.stringify(pipe)}, 'r', () => {}); process.exitCode = 1;`;
  expect(await endOf(`${hang} endForSure(10);`)).toBe('SIGKILL');
});

test('any other ends by itself, with its exit code', async () => {
  expect(await endOf('process.exitCode = 3; endForSure(60_000);')).toBe(3);
});
