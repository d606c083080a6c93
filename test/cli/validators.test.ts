// A round of `brop validators` and `brop node register` against a devnet of real processes.
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exit } from '../../cli/exit-codes.ts';
import { brop, lineOf, start } from './run.ts';

const root = mkdtempSync(join(tmpdir(), 'brop-validators-'));
const env = { BROP_HOME: join(root, 'home'), HOME: root };
const devnet = join(root, 'home', 'devnet');
const at = (name: string) => join(root, name);
const consensusKey = (index: number) => join(devnet, `validator-${index}`, 'consensus-key.json');
const operator = ['--key', join(devnet, 'operator', 'account-key.json')];

type Validator = { readonly account: string; readonly name: string; readonly power: number };
interface SetShown {
  readonly height: number;
  readonly validators: readonly Validator[];
  readonly pending: { readonly effectiveHeight: number; readonly validators: readonly Validator[] } | null;
}

const run = (...args: readonly string[]) => brop([...args, '--json'], env);
const validators = (...args: readonly string[]) => run('validators', ...args);
const shown = async () => (await validators('show')).json() as unknown as SetShown;
const ended = (child: ReturnType<typeof start>) => new Promise((resolve) => child.once('close', resolve));

let running: ReturnType<typeof start>;
let members: readonly Validator[];

beforeAll(async () => {
  mkdirSync(at('files'));
  writeFileSync(at('files/one.txt'), 'one');
  writeFileSync(at('legal.txt'), 'legal document');
  running = start(['devnet', '--port', '0', at('files')], env);
  await lineOf(running, /API +http/);
  members = (await shown()).validators;
}, 120_000);

afterAll(async () => {
  running.kill('SIGINT');
  await ended(running);
  rmSync(root, { recursive: true, force: true });
}, 60_000);

describe('a round of a change of the validator set', { timeout: 120_000 }, () => {
  const file = at('change.json');

  test('the set in force is shown with names, and nothing is due', async () => {
    expect(members.map(({ name, power }) => [name, power])).toEqual(
      [0, 1, 2, 3].map((index) => [`Devnet validator-${index}`, 1]),
    );
    expect(await shown()).toMatchObject({ since: 1, pending: null });
    const text = await brop(['validators', 'show'], env);
    expect(text.stdout).toContain(members[3]!.account);
  });

  test('a proposal says what it changes, and is never overwritten', async () => {
    const proposed = await validators('propose', '--out', file, '--in', '5000', '--remove', members[3]!.account);
    expect(proposed).toMatchObject({ exitCode: exit.ok });
    const { account } = members[3]!;
    expect(proposed.json()).toMatchObject({
      removed: [account],
      added: [],
      changed: [],
      since: 1,
      missing: 3,
      totalPower: 4,
    });
    const again = await validators('propose', '--out', file, '--in', '5000', '--remove', members[2]!.account);
    expect(again).toMatchObject({ exitCode: exit.usage, stderr: expect.stringContaining('not overwritten') });
  });

  test('keys are rotated, a standby key comes and goes; who is no validator account is not added', async () => {
    const { account } = members[1]!;
    const keys = [at('new.json'), at('standby.json')] as const;
    for (const key of keys) expect(await run('keygen', key)).toMatchObject({ exitCode: exit.ok });
    const propose = (name: string, ...args: readonly string[]) =>
      validators('propose', '--out', at(name), '--effective', '5000', ...args);
    const rotate = ['--rotate', `account=${account},key=${keys[0]}`, '--standby', `account=${account},key=${keys[1]}`];
    expect((await propose('keys.json', ...rotate)).json()).toMatchObject({ ok: true, changed: [account], removed: [] });
    const { next } = JSON.parse(readFileSync(at('keys.json'), 'utf8')) as { readonly next: Record<string, unknown>[] };
    const publicOf = (path: string) => {
      const { secretKey: _, ...rest } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
      return rest;
    };
    expect(next[1]).toEqual({ account, power: 1, consensusKey: publicOf(keys[0]), standbyKey: publicOf(keys[1]) });
    expect(readFileSync(at('keys.json'), 'utf8')).not.toContain('secret');

    const partner = JSON.parse(readFileSync(join(devnet, 'client.json'), 'utf8')) as { readonly account: string };
    const name = async (...args: readonly string[]) => (await propose('none.json', ...args)).json().name;
    expect(await name('--add', `account=${partner.account},power=1,key=${keys[0]}`)).toBe('SET_ACCOUNT');
    expect(await name('--add', `account=${account},power=1,key=${keys[0]}`)).toBe('SET_INVALID');
    expect(await name('--rotate', `account=${account},key=${consensusKey(0)}`)).toBe('SET_INVALID');
    expect(await name('--standby', `account=${account}`)).toBe('SET_INVALID');
    const ownAccountKey = join(devnet, 'validator-1', 'account-key.json');
    expect(await name('--rotate', `account=${account},key=${ownAccountKey}`)).toBe('KEY_IN_USE');
    expect(await name('--standby', `account=${account},key=${operator[1]}`)).toBe('KEY_IN_USE');
    expect(await name(...members.flatMap((member) => ['--remove', member.account]))).toBe('SET_INVALID');
    const late = await validators('propose', '--out', at('none.json'), '--effective', '1', ...rotate);
    expect(late.json()).toMatchObject({ name: 'SET_HEIGHT', exitCode: exit.refused });
    expect(existsSync(at('none.json'))).toBe(false);
  });

  test('two approvals of four are too few, and nothing is sent', async () => {
    for (const index of [0, 1])
      expect(await validators('approve', file, '--key', consensusKey(index))).toMatchObject({ exitCode: exit.ok });
    const submitted = await validators('submit', file, ...operator);
    expect(submitted).toMatchObject({
      exitCode: exit.refused,
      stderr: expect.stringMatching(/nothing was sent: approved by power 2 of 4: power 1 is missing/),
    });
    expect(submitted.json()).toMatchObject({ ok: false, name: 'SET_NOT_APPROVED' });
    expect((await shown()).pending).toBeNull();
  });

  test('who is not in the set, who has approved, and a proposal of another chain are refused; the file stays', async () => {
    const before = readFileSync(file);
    expect(await run('keygen', at('stranger.json'))).toMatchObject({ exitCode: exit.ok });
    const refused = async (stderr: RegExp, exitCode: number, ...args: readonly string[]) =>
      expect(await validators('approve', file, ...args)).toMatchObject({
        exitCode,
        stderr: expect.stringMatching(stderr),
      });
    await refused(/not of a validator in force/, exit.refused, '--key', at('stranger.json'));
    await refused(/validator 1 has approved it already/, exit.refused, '--key', consensusKey(1));
    await refused(/another chain/, exit.genesis, '--key', consensusKey(2), '--genesis', '00'.repeat(32));
    expect(readFileSync(file)).toEqual(before);
  });

  test('a file that was changed after the approvals says whose does not hold', async () => {
    const proposal = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    const altered = (fields: Record<string, unknown>) => {
      writeFileSync(at('altered.json'), JSON.stringify({ ...proposal, ...fields }));
      return validators('show', at('altered.json'));
    };
    expect(await altered({ effectiveHeight: 77_777 })).toMatchObject({
      exitCode: exit.refused,
      stderr: expect.stringMatching(/approval of validator 0 does not verify/),
    });
    expect(await altered({ since: 2 })).toMatchObject({ exitCode: exit.refused });
    expect(await altered({ since: undefined })).toMatchObject({ exitCode: exit.config });
    expect(await altered({ next: proposal.current })).toMatchObject({ exitCode: exit.refused });
    expect(await altered({ surprise: 1 })).toMatchObject({ exitCode: exit.config });
    const twice = [...(proposal.current as unknown[]), (proposal.current as unknown[])[0]];
    expect(await altered({ current: twice })).toMatchObject({ exitCode: exit.config });
    expect(await altered({})).toMatchObject({ exitCode: exit.ok });
  });

  test('a partner cannot carry it; with the third approval, made on a copy, the chain takes it', async () => {
    copyFileSync(file, at('copy.json'));
    expect(await validators('approve', at('copy.json'), '--key', consensusKey(2))).toMatchObject({ exitCode: exit.ok });
    expect(await validators('submit', file, at('copy.json'))).toMatchObject({ exitCode: exit.refused });
    expect((await shown()).pending).toBeNull();
    const submitted = await validators('submit', file, at('copy.json'), ...operator);
    expect(submitted).toMatchObject({ exitCode: exit.ok });
    const { effectiveHeight } = submitted.json();
    expect(submitted.json()).toMatchObject({ approvedBy: [0, 1, 2], missing: 0 });
    const { pending } = await shown();
    expect(pending).toMatchObject({ effectiveHeight });
    expect(pending?.validators.map(({ account }) => account)).toEqual(
      members.slice(0, 3).map(({ account }) => account),
    );
  });

  test('while it waits for its height nothing else is proposed or submitted', async () => {
    const pending = { exitCode: exit.refused, stderr: expect.stringContaining('Another change') };
    const remove = ['--remove', members[2]!.account];
    expect(await validators('propose', '--out', at('second.json'), '--in', '100', ...remove)).toMatchObject(pending);
    expect(await validators('submit', file, at('copy.json'), ...operator)).toMatchObject(pending);
  });
});

describe('a company and its node', { timeout: 120_000 }, () => {
  test('the operator admits it under its legal document; a name that is taken is the chain that says no', async () => {
    const key = await run('keygen', at('account.json'), '--suite', 'ed25519');
    writeFileSync(at('account-public.json'), key.stdout);
    const about = ['--account-key', at('account-public.json'), '--legal', at('legal.txt'), '--legal-version', '1.0'];
    const admit = (...args: readonly string[]) => validators('admit', ...about, ...args);
    expect(await admit('--name', 'Fourth GmbH')).toMatchObject({ exitCode: exit.refused });
    const admitted = await admit('--name', 'Fourth GmbH', ...operator);
    expect(admitted).toMatchObject({ exitCode: exit.ok });
    expect(admitted.json().account).toMatch(/^brop1/);
    const again = await admit('--name', 'fourth gmbh', ...operator);
    expect(again.json()).toMatchObject({ name: 'NAME_TAKEN', exitCode: exit.refused });
    expect(await admit('--name', 'two  blanks', ...operator)).toMatchObject({ exitCode: exit.usage });
  });

  test('it registers its node by key file, no other account takes that away, and it unregisters', async () => {
    const { peerId } = (await run('keygen', at('node.pem'), '--node')).json();
    const own = ['--key', at('account.json')];
    await run('keygen', at('note.json'), '--suite', 'ed25519');
    const registered = await run('node', 'register', at('node.pem'), '--note-key', at('note.json'), ...own);
    expect(registered).toMatchObject({ exitCode: exit.ok });
    expect(registered.json()).toMatchObject({ node: peerId });
    const code = async (...args: readonly string[]) => (await run('node', ...args)).json().name;
    expect(await code('register', String(peerId), ...operator)).toBe('NODE_TAKEN');
    expect(await code('unregister', String(peerId))).toBe('NODE_UNKNOWN');
    expect(await run('node', 'unregister', String(peerId), ...own)).toMatchObject({ exitCode: exit.ok });
    expect(await code('unregister', String(peerId), ...own)).toBe('NODE_UNKNOWN');
  });

  test('a wrong line says what is wrong in one line', async () => {
    const said = async (exitCode: number, stderr: RegExp, ...args: readonly string[]) => {
      const ran = await run(...args);
      expect(ran).toMatchObject({ exitCode, stderr: expect.stringMatching(stderr) });
      expect(ran.stderr.trim().split('\n')).toHaveLength(1);
    };
    const propose = ['validators', 'propose', '--out', at('bad.json')];
    const { account } = members[0]!;
    await said(exit.usage, /there is no command validators nonsense/, 'validators', 'nonsense');
    await said(exit.usage, /--effective or with --in/, ...propose, '--remove', account);
    await said(exit.unreadable, /nowhere/, 'validators', 'submit', at('nowhere'), ...operator);
    await said(exit.unreadable, /neither a fingerprint nor a node key/, 'node', 'register', at('nowhere'));
    await said(exit.config, /Ed25519/, 'node', 'register', 'ab'.repeat(32), '--note-key', consensusKey(0));
    await said(
      exit.refused,
      /no account has the key/,
      'node',
      'register',
      'ab'.repeat(32),
      '--key',
      at('stranger.json'),
    );
  });
});
