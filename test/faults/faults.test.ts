import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

function faults(...args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { maxBuffer: 8 << 20 }, (error, stdout, stderr) => {
      resolve({ exitCode: typeof error?.code === 'number' ? error.code : error === null ? 0 : 1, stdout, stderr });
    });
  });
}

test('a killed, a stopped and a cut-off node and a full disk cost nothing that was acknowledged, and all nodes agree', {
  timeout: 240_000,
}, async () => {
  const ran = await faults(
    '--minutes',
    'once',
    '--kinds',
    'kill,stop,isolate,full-disk',
    '--seed',
    '1',
    '--rate',
    '30',
  );
  for (const line of ran.stderr.split('\n')) if (line.startsWith('NOT TESTED')) console.warn(line);
  expect(ran.exitCode, ran.stderr + ran.stdout).toBe(0);
  expect(ran.stdout).toMatch(/^faults .* kills=1 .*\n\d+ passed, 0 failed\n$/);
});

test('a wrong command line is said in one line', async () => {
  for (const args of [
    ['--kinds', 'flood'],
    ['--minutes', '0'],
    ['--seed', 'x'],
    ['--rate', '0'],
  ]) {
    const { exitCode, stderr, stdout } = await faults(...args, '--proxies');
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/^faults: --[a-z]+.*\n$/);
  }
});
