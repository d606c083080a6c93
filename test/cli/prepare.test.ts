/** brop prepare and brop submit, with a signature that OpenSSL makes of a file, on a real devnet. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exit } from '../../cli/exit-codes.ts';
import { brop, lineOf, start } from './run.ts';

let root: string;
let env: Record<string, string>;
let devnet: ReturnType<typeof start>;

const at = (name: string) => join(root, name);
const write = (name: string, content: string | Uint8Array) => {
  writeFileSync(at(name), content);
  return at(name);
};

/** The devnet's partner signs with a key file; OpenSSL gets it as PEM. */
function pemOfProfile(): string {
  const folder = join(root, 'home', 'devnet');
  const profile = JSON.parse(readFileSync(join(folder, 'client.json'), 'utf8')) as { readonly key: string };
  const { suite, secretKey } = JSON.parse(readFileSync(join(folder, profile.key), 'utf8')) as Record<string, string>;
  expect(suite).toBe('ed25519');
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.from(secretKey!, 'hex')]);
  return write('account.pem', `-----BEGIN PRIVATE KEY-----\n${der.toString('base64')}\n-----END PRIVATE KEY-----\n`);
}

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'brop-prepare-'));
  env = { BROP_HOME: join(root, 'home'), HOME: root };
  writeFileSync(at('body.json'), JSON.stringify({ digests: { 'sha-256': 'ab'.repeat(32) }, subject: 'lot 7' }));
  const files = mkdtempSync(join(root, 'files-'));
  writeFileSync(join(files, 'one.txt'), 'one');
  devnet = start(['devnet', '--port', '0', '--validators', '1', files], env);
  await lineOf(devnet, /API +http/);
}, 60_000);

afterAll(async () => {
  const ended = new Promise((resolve) => devnet.once('close', resolve));
  devnet.kill('SIGINT');
  await ended;
  rmSync(root, { recursive: true, force: true });
});

describe('brop prepare and brop submit', { timeout: 60_000 }, () => {
  it('says what the bytes say; signed by OpenSSL, they register; twice is once', async () => {
    const prepared = await brop(
      ['prepare', 'evidence.register', at('body.json'), '--out', at('tx.json'), '--json'],
      env,
    );
    expect(prepared.exitCode, prepared.stderr).toBe(exit.ok);
    expect(prepared.json()).toMatchObject({
      ok: true,
      summary: { operations: [{ type: 'evidence.register', body: { subject: 'lot 7' } }] },
    });
    const args = [
      'pkeyutl',
      '-sign',
      '-rawin',
      '-inkey',
      pemOfProfile(),
      '-in',
      at('tx.json.tosign'),
      '-out',
      at('tx.sig'),
    ];
    execFileSync('openssl', args);
    for (const name of ['first.receipt', 'second.receipt']) {
      const command = ['submit', at('tx.json'), '--signature', at('tx.sig'), '--out', at(name), '--json'];
      const submitted = await brop(command, env);
      expect(submitted.exitCode, submitted.stderr).toBe(exit.ok);
      expect(submitted.json().nonce).toBe(prepared.json().nonce);
    }
    expect(readFileSync(at('second.receipt'))).toEqual(readFileSync(at('first.receipt')));
    const { genesis } = JSON.parse(readFileSync(at('tx.json'), 'utf8')) as { readonly genesis: string };
    expect((await brop(['verify', at('first.receipt'), '--genesis', genesis], env)).exitCode).toBe(exit.ok);
  });

  it.each([
    ['unknown type', ['evidence.burn', 'body.json'], exit.refused, /operation type/],
    ['a body of another form', ['evidence.registerBatch', 'body.json'], exit.refused, /digests/],
    ['no JSON', ['evidence.register', 'text'], exit.config, /not JSON/],
  ])('prepare refuses %s, and writes nothing', async (_, [type, file], exitCode, said) => {
    write('text', 'text');
    const ran = await brop(['prepare', type!, at(file!), '--out', at('none.json')], env);
    expect([ran.exitCode, existsSync(at('none.json'))]).toEqual([exitCode, false]);
    expect(ran.stderr).toMatch(said);
  });

  it.each([
    [
      'a wrong signature',
      (): string[] => ['--signature', write('bad.sig', new Uint8Array(64))],
      exit.refused,
      /not of the account's key/,
    ],
    ['no signature', (): string[] => [], exit.usage, /one of --signature and --key/],
    [
      'another chain',
      (): string[] => ['--signature', at('tx.sig'), '--genesis', '00'.repeat(32)],
      exit.genesis,
      /is for/,
    ],
  ])('submit refuses %s, and leaves no receipt', async (_, options, exitCode, said) => {
    const ran = await brop(['submit', at('tx.json'), '--out', at('none.receipt'), ...options()], env);
    expect([ran.exitCode, existsSync(at('none.receipt')), existsSync(at('none.receipt.part'))]).toEqual([
      exitCode,
      false,
      false,
    ]);
    expect(ran.stderr).toMatch(said);
  });
});
