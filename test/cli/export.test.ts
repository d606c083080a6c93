/** The exit guarantee, with real processes: a chain leaves as files and is verified with every node stopped. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exit } from '../../cli/exit-codes.ts';
import { brop, lineOf, type Ran, start } from './run.ts';

let root: string;
let env: Record<string, string>;
let genesis: string;
let exported: string;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'brop-export-'));
  env = { BROP_HOME: join(root, 'home'), HOME: root };
  exported = join(root, 'exported');
  mkdirSync(join(root, 'files'));
  for (let i = 0; i < 8; i++) writeFileSync(join(root, 'files', `${i}.txt`), `file ${i}`);
  const made = await brop(['devnet', '--once', '--json', '--port', '0', '--validators', '1', join(root, 'files')], env);
  genesis = String(made.json().genesis);
}, 120_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

const verify = (...args: readonly string[]): Promise<Ran> =>
  brop(['verify-export', exported, '--genesis', genesis, '--json', ...args], env);
const filesOf = (folder: string) =>
  readdirSync(folder, { recursive: true })
    .map(String)
    .filter((path) => statSync(join(folder, path)).isFile());

test('export from a stopped node, then verify-export: 0', { timeout: 60_000 }, async () => {
  const ran = await brop(['export', '--out', exported, '--json'], env);
  expect(ran, ran.stderr).toMatchObject({ exitCode: exit.ok });
  expect(ran.json()).toMatchObject({ ok: true, genesis });
  expect(filesOf(exported)).toContain('checkpoint');
  for (const mode of [[], ['--light']]) {
    const verified = await verify(...mode);
    expect(verified, verified.stdout + verified.stderr).toMatchObject({ exitCode: exit.ok });
    expect(verified.json()).toMatchObject({ ok: true, genesis, executed: mode.length === 0 });
  }
  const key = readFileSync(join(exported, 'checkpoint.vkey'), 'utf8').trim();
  expect(await verify('--light', '--note-key', key)).toMatchObject({ exitCode: exit.ok });
  expect(await verify('--light', '--note-key', join(exported, 'checkpoint.vkey'))).toMatchObject({ exitCode: exit.ok });
  expect(await verify('--light', '--note-key', 'nonsense')).toMatchObject({ exitCode: exit.usage });
});

test('a byte changed in any file, a file more or less: 24, and the file is named', { timeout: 120_000 }, async () => {
  const named = async (...args: readonly string[]) => {
    const ran = await verify(...args);
    expect(ran.exitCode).toBe(exit.chainFile);
    const { wrong, name } = ran.json() as { wrong: { path: string }[]; name: string };
    expect(name).toBe('CHAIN_FILE');
    return wrong.map(({ path }) => path);
  };
  for (const path of filesOf(exported)) {
    const at = join(exported, path);
    const right = readFileSync(at);
    const wrong = Buffer.from(right);
    wrong[right.length >> 1]! ^= 4;
    writeFileSync(at, wrong);
    // Executing takes a while: the blocks are executed for one of them.
    expect(await named(...(path.startsWith('blocks') ? [] : ['--light'])), path).toContain(path);
    writeFileSync(at, right);
  }
  writeFileSync(join(exported, '.stray'), 'x');
  expect(await named('--light')).toEqual(['.stray']);
  rmSync(join(exported, '.stray'));
  rmSync(join(exported, 'anchor.cbor'));
  expect(await named('--light')).toEqual(['anchor.cbor']);
});

test('a second export puts right what is wrong, and says what it cannot', { timeout: 60_000 }, async () => {
  const tile = filesOf(exported).find((path) => path.startsWith('tile/0'))!;
  writeFileSync(join(exported, tile), 'damaged');
  expect(await brop(['export', '--out', exported], env)).toMatchObject({ exitCode: exit.ok });
  expect(await verify()).toMatchObject({ exitCode: exit.ok });
  expect(await brop(['verify-export', exported, '--genesis', '00'.repeat(32)], env)).toMatchObject({
    exitCode: exit.chainFile,
    stdout: expect.stringContaining('genesis.cbor'),
  });
  expect(await brop(['verify-export', join(root, 'nowhere'), '--genesis', genesis], env)).toMatchObject({
    exitCode: exit.unreadable,
  });
  expect(await brop(['export', '--out', join(root, 'files')], env)).toMatchObject({ exitCode: exit.usage });
  expect(await brop(['export', '--out', join(root, 'x'), '--data', join(root, 'files')], env)).toMatchObject({
    exitCode: exit.unreadable,
  });
});

test('from a running node over HTTP the same, and a follower that knows nobody catches up from either', {
  timeout: 120_000,
}, async () => {
  const running = start(['devnet', '--port', '0', '--validators', '1', join(root, 'files')], env);
  const [, url] = await lineOf(running, /API +(http\S+)\/docs/);
  try {
    const overHttp = join(root, 'http');
    const ran = await brop(['export', '--out', overHttp, '--url', `${url}/files/`, '--json'], env);
    expect(ran, ran.stderr).toMatchObject({ exitCode: exit.ok });
    const verified = await brop(['verify-export', overHttp, '--genesis', genesis, '--json'], env);
    expect(verified).toMatchObject({ exitCode: exit.ok });
    const height = Number(verified.json().height);
    expect(await brop(['export', '--out', join(root, 'locked')], env)).toMatchObject({ exitCode: exit.store });

    const follower = join(root, 'follower');
    mkdirSync(follower);
    expect(await brop(['keygen', join(follower, 'node-key.pem'), '--node'], env)).toMatchObject({ exitCode: exit.ok });
    const config = {
      role: 'follower',
      genesis: join(overHttp, 'genesis.cbor'),
      dataFolder: 'data',
      nodeKey: 'node-key.pem',
    };
    const log = join(follower, 'node.log');
    const more = { join: 'genesis', log: { level: 'info', file: log }, fileSources: [exported, `${url}/files`] };
    writeFileSync(join(follower, 'config.json'), JSON.stringify({ ...config, ...more }));
    const node = start(['node', join(follower, 'config.json')], env);
    await lineOf(node, /runs at height/);
    const caughtUp = () => {
      const lines = readFileSync(log, 'utf8').trim().split('\n');
      return lines
        .map((line) => JSON.parse(line) as { message: string; height?: number })
        .findLast(({ message }) => message === 'caught up from files');
    };
    await expect.poll(() => caughtUp()?.height ?? 0, { timeout: 30_000 }).toBeGreaterThanOrEqual(height);
    node.kill('SIGTERM');
    expect(await new Promise((resolve) => node.once('close', resolve))).toBe(exit.ok);
  } finally {
    running.kill('SIGINT');
    await new Promise((resolve) => running.once('close', resolve));
  }
});
