/** Devnets whose validators sign with tokens of SoftHSM2: the command as its users type it, processes as they run. */
import type { ChildProcess } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exit } from '../../cli/exit-codes.ts';
import { parseMetrics, total } from '../../cli/top/prometheus-text.ts';
import { decodeReceipt } from '../../node-core/chain/receipt.ts';
import { loadConfig } from '../../nodes/config.ts';
import { brop, lineOf, start } from './run.ts';

let root: string;
let files: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'brop-signer-'));
  files = join(root, 'files');
  mkdirSync(files);
  for (const name of ['one', 'two', 'three']) writeFileSync(join(files, `${name}.txt`), name);
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

const env = (name: string) => ({ BROP_HOME: join(root, name), HOME: root });
const logOf = (folder: string, node: string) => readFileSync(join(folder, node, 'node.log'), 'utf8');

/** Asks until it holds: what is waited for is an event of other processes. */
async function until<T>(ask: () => Promise<T>, holds: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (holds(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

describe('--signer pkcs11', { timeout: 180_000 }, () => {
  const devnet = (...more: readonly string[]) =>
    brop(['devnet', '--once', '--json', '--port', '0', ...more, files], env('pkcs11'));

  test('four validators sign with a token each, and the receipts verify offline', async () => {
    const ran = await devnet('--signer', 'pkcs11');
    expect(ran.stderr).not.toContain('Error');
    expect(ran.exitCode).toBe(exit.ok);
    expect(ran.json()).toMatchObject({ files: 3, receipts: 3, verified: 3 });
    const folder = join(root, 'pkcs11', 'devnet');
    for (const i of [0, 1, 2, 3]) {
      const path = join(folder, `validator-${i}`);
      expect(readdirSync(path)).not.toContain('consensus-key.json');
      expect(loadConfig(join(path, 'config.json'))).toMatchObject({ consensusKey: { driver: 'pkcs11' } });
      const pin = readFileSync(join(path, 'token-pin'), 'utf8').trim();
      expect(readFileSync(join(path, 'config.json'), 'utf8') + logOf(folder, `validator-${i}`)).not.toContain(pin);
    }
  });

  test('a devnet that is there keeps its signers, and an unknown kind is refused', async () => {
    const other = await devnet('--signer', 'auto');
    expect(other.exitCode).not.toBe(exit.ok);
    expect(other.stderr).toContain('was made with --signer pkcs11');
    expect(await devnet('--signer', 'hsm')).toMatchObject({ exitCode: exit.usage });
  });

  test('without SoftHSM2 it says what to install', async () => {
    const place = { ...env('none'), SOFTHSM2_LIBRARY: '/nowhere/libsofthsm2.so' };
    const ran = await brop(['devnet', '--once', '--port', '0', '--signer', 'pkcs11', files], place);
    expect(ran.exitCode).not.toBe(exit.ok);
    expect(ran.stderr).toContain('apt install softhsm2');
  });
});

describe('signer primary', () => {
  const token = { driver: 'pkcs11', library: '/lib/hsm.so', tokenLabel: 't', keyLabel: 'k', pin: 'file:pin' };
  const consensusKey = { driver: 'auto', primary: token, standby: { ...token, keyLabel: 's' } };

  // Root alone may give a file away; who else runs it owns the config already.
  test.runIf(process.getuid?.() === 0)('run by root leaves the config to the user whose it is', async () => {
    const path = join(root, 'node.json');
    const config = { role: 'validator', genesis: 'g', dataFolder: 'd', nodeKey: 'n', consensusKey };
    writeFileSync(path, JSON.stringify(config));
    chmodSync(path, 0o600);
    chownSync(path, 12_345, 12_346);
    expect(await brop(['signer', 'primary', path], env('primary'))).toMatchObject({ exitCode: exit.ok });
    const { uid, gid, mode } = statSync(path);
    expect([uid, gid, mode & 0o777]).toEqual([12_345, 12_346, 0o600]);
    expect(loadConfig(path)).toMatchObject({ consensusKey: { returns: 1 } });
  });
});

describe('--signer auto', { timeout: 240_000 }, () => {
  const home = { BROP_HOME: '', HOME: '' };
  const VICTIM = 'validator-1';
  let folder: string;
  const status = async () => (await brop(['status', '--json'], home)).json();
  const register = async (name: string) => {
    const ran = await brop(['register', join(files, name), '--out', join(root, 'receipts'), '--json'], home);
    expect(ran.stderr).toBe('');
    // Each registration has a receipt of its own, beside those of before.
    return (ran.json() as { receipts: { receipt: string }[] }).receipts[0]!.receipt;
  };
  const fallbackOf = async (node: string) => {
    const { metrics } = loadConfig(join(folder, node, 'config.json'));
    const text = await (await fetch(`http://127.0.0.1:${metrics!.port}/metrics`)).text();
    return total(parseMetrics(text), 'brop_signer_fallback');
  };
  /** Takes the primary token of a node out of its reader, or puts it back. */
  const moveToken = (node: string, to: 'away' | 'back') => {
    const [tokens, pocket] = [join(folder, node, 'tokens'), join(root, 'pocket')];
    const isPrimary = (name: string) => readFileSync(join(tokens, name, 'token.object'), 'latin1').includes('primary');
    if (to === 'back') renameSync(pocket, join(tokens, '5ec0de00-0000-4000-8000-000000000000'));
    else renameSync(join(tokens, readdirSync(tokens).find(isPrimary)!), pocket);
  };
  const keysIn = (receipt: string) =>
    new Set(decodeReceipt(readFileSync(receipt)).certificate[1].map(([, key]) => key));

  const verify = (receipt: string, name: string) =>
    brop(['verify', receipt, join(files, name), '--genesis', genesis], home);
  const stop = async (running: ChildProcess) => {
    running.kill('SIGINT');
    await new Promise((resolve) => running.once('close', resolve));
  };
  let genesis: string;
  let [before, during] = ['', ''];
  let running: ChildProcess;
  const restart = async (...more: readonly string[]) => {
    running = start(['devnet', '--port', '0', ...more, files], home);
    await lineOf(running, /API +http/);
  };

  beforeAll(() => {
    Object.assign(home, env('auto'));
    folder = join(root, 'auto', 'devnet');
  });
  afterAll(() => stop(running));

  test('with the primary token taken away, the standby key signs, and the alarm shows', async () => {
    await restart('--signer', 'auto');
    const first = await status();
    genesis = String(first.genesisHash);
    expect(first).toMatchObject({ standbySigners: [] });
    expect(await fallbackOf(VICTIM)).toBe(0);
    before = await register('one.txt');
    expect([...keysIn(before)]).toEqual([0]);

    moveToken(VICTIM, 'away');
    during = await until(
      () => register('two.txt'),
      () => logOf(folder, VICTIM).includes('the standby key signs from here on'),
    );
    const alarmed = await until(status, ({ standbySigners }) => (standbySigners as string[]).length > 0);
    const [account] = alarmed.standbySigners as string[];
    expect((await brop(['status'], home)).stdout).toContain(`ALARM: ${account} signs with the standby key`);
    expect([await fallbackOf(VICTIM), await fallbackOf('validator-0')]).toEqual([1, 0]);
    expect(logOf(folder, VICTIM)).toMatch(/"reason":"CKR_[A-Z_]+"/);
  });

  test('receipts of before, of the change and after it verify, and name the key that has signed', async () => {
    const receipts = {
      'one.txt': before,
      'two.txt': during,
      'three.txt': await until(
        () => register('three.txt'),
        (receipt) => keysIn(receipt).has(1),
      ),
    };
    for (const [name, receipt] of Object.entries(receipts))
      expect(await verify(receipt, name)).toMatchObject({ exitCode: exit.ok });
  });

  test('it stays so when the token is back and the node starts anew, until the operator commands otherwise', async () => {
    await stop(running);
    moveToken(VICTIM, 'back');
    await restart();
    expect(await fallbackOf(VICTIM)).toBe(1);
    await stop(running);
    const command = ['signer', 'primary', join(folder, VICTIM, 'config.json')];
    expect(await brop(command, home)).toMatchObject({ exitCode: exit.ok });
    await restart();
    expect(await fallbackOf(VICTIM)).toBe(0);
    await register('one.txt');
    expect(await until(status, ({ standbySigners }) => (standbySigners as string[]).length === 0)).toMatchObject({
      genesisHash: genesis,
    });
    expect(await brop([...command.slice(0, 2), join(folder, 'follower', 'config.json')], home)).toMatchObject({
      exitCode: exit.usage,
    });
  });
});
