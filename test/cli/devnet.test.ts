/** The README's first command and the "Shown by", with real processes on this machine. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exit } from '../../cli/exit-codes.ts';
import { brop, lineOf, start } from './run.ts';

let root: string;
let files: string;
let env: Record<string, string>;
let genesis: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'brop-cli-'));
  files = join(root, 'files');
  mkdirSync(join(files, 'sub'), { recursive: true });
  writeFileSync(join(files, 'one.txt'), 'one');
  writeFileSync(join(files, 'sub', '二.pdf'), 'two');
  writeFileSync(join(files, 'empty'), '');
  env = { BROP_HOME: join(root, 'home'), HOME: root };
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

const devnet = (...args: readonly string[]) => brop(['devnet', '--once', '--json', '--port', '0', ...args], env);

describe('a devnet of four validators and a follower', { timeout: 120_000 }, () => {
  let height: number;

  test('registers every file of a folder and verifies the receipts', async () => {
    const ran = await devnet(files);
    expect(ran.stderr).not.toContain('Error');
    expect(ran.exitCode).toBe(exit.ok);
    const last = ran.json();
    expect(last).toMatchObject({ files: 3, receipts: 3, verified: 3 });
    expect(last.genesis).toMatch(/^[0-9a-f]{64}$/);
    genesis = String(last.genesis);
    height = Number(last.height);
    expect(height).toBeGreaterThan(0);
  });

  test('a second start goes on with the same chain', async () => {
    const last = (await devnet(files)).json();
    expect(last).toMatchObject({ files: 3, receipts: 3, verified: 3, genesis });
    expect(Number(last.height)).toBeGreaterThan(height);
  });

  test('a running node registers, the receipt verifies with every node stopped', async () => {
    const running = start(['devnet', '--port', '0', files], env);
    await lineOf(running, /API +http/);
    const receipts = join(root, 'receipts');
    const configs = () => readFileSync(join(root, 'home', 'devnet', 'follower', 'config.json'), 'utf8');
    const before = configs();
    expect(await devnet(files)).toMatchObject({ exitCode: exit.store });
    expect(configs()).toBe(before);
    const registered = await brop(
      ['register', join(files, 'one.txt'), join(root, 'missing'), files, '--out', receipts, '--json'],
      env,
    );
    expect(registered.exitCode).toBe(exit.unreadable);
    expect(registered.json()).toMatchObject({ ok: false, failed: [{}, {}] });
    expect((registered.json().receipts as unknown[]).length).toBe(1);
    const [first] = registered.json().receipts as { readonly sender: string; readonly nonce: string }[];
    const batch = await brop(
      [
        'register',
        '--batch',
        join(files, 'one.txt'),
        join(files, 'sub', '二.pdf'),
        '--out',
        join(root, 'batch'),
        '--json',
      ],
      env,
    );
    expect(batch.exitCode).toBe(exit.ok);
    const fetched = await brop(['receipt', first!.sender, first!.nonce, '--out', join(root, 'fetched.receipt')], env);
    expect(fetched.exitCode).toBe(exit.ok);
    expect((await brop(['status', '--json'], env)).json()).toMatchObject({ ok: true, genesisHash: genesis });
    running.kill('SIGINT');
    await new Promise((resolve) => running.once('close', resolve));

    const receipt = join(receipts, 'one.txt.receipt');
    expect(readFileSync(join(root, 'fetched.receipt'))).toEqual(readFileSync(receipt));
    const verify = (...args: readonly string[]) => brop(['verify', ...args, '--json'], env);
    expect(await verify(receipt, join(files, 'one.txt'), '--genesis', genesis)).toMatchObject({ exitCode: exit.ok });
    expect(
      await verify(join(root, 'batch', '二.pdf.receipt'), join(files, 'sub', '二.pdf'), '--genesis', genesis),
    ).toMatchObject({ exitCode: exit.ok });
    expect(
      await verify(join(root, 'batch', '二.pdf.receipt'), join(files, 'one.txt'), '--genesis', genesis),
    ).toMatchObject({ exitCode: exit.file });
    expect(await verify(receipt, join(files, 'empty'), '--genesis', genesis)).toMatchObject({ exitCode: exit.file });
    expect(await verify(receipt, '--genesis', '00'.repeat(32))).toMatchObject({ exitCode: exit.genesis });
    expect(await verify(receipt)).toMatchObject({ exitCode: exit.usage });
    expect(await verify(join(files, 'one.txt'), '--genesis', genesis)).toMatchObject({ exitCode: exit.form });
    expect(await verify(join(root, 'nowhere'), '--genesis', genesis)).toMatchObject({ exitCode: exit.unreadable });

    const json = join(root, 'one.json');
    expect(await brop(['receipt', receipt, '--form', 'json', '--out', json], env)).toMatchObject({ exitCode: exit.ok });
    expect(await verify(json, join(files, 'one.txt'), '--genesis', genesis)).toMatchObject({ exitCode: exit.ok });
    writeFileSync(json, readFileSync(json, 'utf8').replace('one.txt', 'two.txt'));
    expect(await verify(json, '--genesis', genesis)).toMatchObject({ exitCode: exit.form });
    expect(await verify(receipt, '--genesis', genesis, '--pin')).toMatchObject({ exitCode: exit.ok });
    expect(await verify(receipt)).toMatchObject({ exitCode: exit.ok });
  });

  test('a folder of another chain, a locked folder and a taken port are said plainly', async () => {
    const follower = join(root, 'home', 'devnet', 'follower');
    const other = join(root, 'other');
    expect(
      (
        await brop(
          ['devnet', '--once', '--json', '--port', '0', '--validators', '1', '--data', other, join(files, 'sub')],
          env,
        )
      ).exitCode,
    ).toBe(exit.ok);
    const config = JSON.parse(readFileSync(join(follower, 'config.json'), 'utf8')) as Record<string, unknown>;
    const write = (name: string, changes: Record<string, unknown>) => {
      writeFileSync(join(follower, name), JSON.stringify({ ...config, ...changes }));
      return join(follower, name);
    };
    const wrongChain = await brop(['node', write('wrong.json', { genesis: join(other, 'genesis.cbor') })], env);
    expect(wrongChain).toMatchObject({
      exitCode: exit.store,
      stderr: expect.stringContaining('belongs to another chain'),
    });
    const badField = await brop(['node', write('bad.json', { peers: [{ id: 'x' }] })], env);
    expect(badField).toMatchObject({ exitCode: exit.config, stderr: expect.stringContaining('peers[0].id') });
    expect(badField.stderr.trim().split('\n')).toHaveLength(1);

    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    const portInUse = await brop(['node', write('port.json', { api: { host: '127.0.0.1', port } })], env);
    taken.close();
    expect(portInUse).toMatchObject({ exitCode: exit.portInUse, stderr: expect.stringContaining(String(port)) });

    const running = start(['node', write('run.json', { api: { host: '127.0.0.1', port: 0 } })], env);
    await lineOf(running, /the node runs/);
    const locked = await brop(
      ['node', write('locked.json', { listen: undefined, api: { host: '127.0.0.1', port: 0 } })],
      env,
    );
    running.kill('SIGTERM');
    await new Promise((resolve) => running.once('close', resolve));
    expect(locked).toMatchObject({ exitCode: exit.store, stderr: expect.stringContaining('Another process uses') });
  });
});

describe('keys and genesis', () => {
  test('keys are private, never overwritten, and a genesis is made from a description', async () => {
    const at = (name: string) => join(root, name);
    const key = async (name: string, ...options: readonly string[]) =>
      (await brop(['keygen', at(name), ...options, '--json'], env)).json();
    const operator = await key('operator.json');
    const account = await key('account.json', '--suite', 'ed25519');
    const consensus = await key('consensus.json');
    const node = await key('node.pem', '--node');
    expect(await brop(['keygen', at('operator.json')], env)).toMatchObject({
      exitCode: exit.failure,
      stderr: expect.stringContaining('never overwritten'),
    });
    writeFileSync(at('legal.txt'), 'legal document');
    const publicKey = ({ suite, publicKey: hex }: Record<string, unknown>) => ({ suite, publicKey: hex });
    const base = { legal: { version: '1', file: 'legal.txt' }, quota: { max: 1, periodMs: 1 } };
    const description = {
      name: 'test',
      operator: { name: 'operator', accountKey: publicKey(operator), ...base },
      validators: [
        {
          name: 'v',
          accountKey: publicKey(account),
          consensusKey: publicKey(consensus),
          nodeKey: node.peerId,
          ...base,
        },
      ],
    };
    writeFileSync(at('consortium.json'), JSON.stringify(description));
    const made = await brop(
      ['genesis', at('consortium.json'), '--key', at('operator.json'), '--out', at('genesis.cbor'), '--json'],
      env,
    );
    expect(made.exitCode).toBe(exit.ok);
    const shown = await brop(['genesis', '--show', at('genesis.cbor'), '--json'], env);
    expect(shown.json()).toMatchObject({ genesis: made.json().genesis, operator: 'operator' });
    writeFileSync(at('consortium.json'), JSON.stringify({ ...description, surprise: 1 }));
    expect(
      await brop(['genesis', at('consortium.json'), '--key', at('operator.json'), '--out', at('g2'), '--json'], env),
    ).toMatchObject({ exitCode: exit.config });
    expect(existsSync(at('g2'))).toBe(false);
  });

  test('a pipe, a folder and an endless file are refused, never waited for', async () => {
    const pipe = join(root, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const hash = '00'.repeat(32);
    for (const path of [pipe, root, '/dev/zero']) {
      expect(await brop(['verify', path, '--genesis', hash], env)).toMatchObject({ exitCode: exit.unreadable });
      expect(await brop(['receipt', path, '--form', 'json'], env)).toMatchObject({ exitCode: exit.unreadable });
    }
    writeFileSync(join(root, 'no-receipt'), 'no receipt');
    const target = join(root, 'converted');
    expect(await brop(['receipt', join(root, 'no-receipt'), '--out', target], env)).toMatchObject({
      exitCode: exit.form,
    });
    expect(existsSync(target)).toBe(false);
  });

  test('every command explains itself, and a wrong line says what is wrong', async () => {
    const names = ['devnet', 'register', 'receipt', 'verify', 'status', 'keygen', 'genesis', 'node'];
    for (const name of names) {
      const help = await brop([name, '--help'], env);
      expect(help).toMatchObject({ exitCode: exit.ok, stdout: expect.stringContaining(`brop ${name}`) });
    }
    expect(await brop([], env)).toMatchObject({ exitCode: exit.usage });
    expect(await brop(['verfy'], env)).toMatchObject({
      exitCode: exit.usage,
      stderr: expect.stringContaining('verfy'),
    });
    expect(await brop(['status', '--nope'], env)).toMatchObject({ exitCode: exit.usage });
    expect(await brop(['status', '--url', 'http://127.0.0.1:9'], env)).toMatchObject({
      exitCode: exit.nodeUnreachable,
    });
  });
});
