/** Records are searched in a running devnet, and what is found is verified with no trust in the node. */
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exit } from '../../cli/exit-codes.ts';
import { type RecordPage, readPage } from '../../cli/record-page.ts';
import { verifyRecords } from '../../cli/verify-records.ts';
import { fromHex } from '../../node-core/codec/bytes.ts';
import { brop, lineOf, start } from './run.ts';

const SUBJECT = 'lot 7 批次';
let root: string;
let env: Record<string, string>;
let devnet: ChildProcess;
let genesis: string;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'brop-query-'));
  const files = join(root, 'files');
  mkdirSync(files);
  for (const name of ['one', 'two', 'three']) writeFileSync(join(files, `${name}.txt`), name);
  env = { BROP_HOME: join(root, 'home'), HOME: root };
  devnet = start(['devnet', '--port', '0', '--validators', '1', files], env);
  await lineOf(devnet, /API +http/);
  genesis = String((await brop(['status', '--json'], env)).json().genesisHash);
  const registered = await brop(
    ['register', join(files, 'one.txt'), join(files, 'two.txt'), '--subject', SUBJECT, '--out', join(root, 'out')],
    env,
  );
  expect(registered.exitCode).toBe(exit.ok);
}, 120_000);

afterAll(async () => {
  devnet.kill('SIGINT');
  await new Promise((resolve) => devnet.once('close', resolve));
  rmSync(root, { recursive: true, force: true });
});

const query = (...args: readonly string[]) => brop(['query', ...args, '--json'], env);
const verify = (input: string, hash = genesis) =>
  brop(['verify', '-', '--genesis', hash, '--json'], env, undefined, input);

/** The index follows the chain at its own pace. */
async function found(rows: number, ...args: readonly string[]): Promise<string> {
  for (let i = 0; ; i++) {
    const ran = await query(...args);
    expect(ran.exitCode, ran.stderr).toBe(exit.ok);
    if ((ran.json() as unknown as RecordPage).records.length === rows) return ran.stdout;
    if (i === 20) throw new Error(ran.stdout);
  }
}

describe('records of a subject', { timeout: 60_000 }, () => {
  test('are found and verified row by row', async () => {
    const page = await found(2, 'evidence', '--where', `subject=${SUBJECT}`, '--proof');
    const verified = await verify(page);
    expect(verified.exitCode, verified.stdout).toBe(exit.ok);
    expect(verified.json()).toMatchObject({ ok: true, type: 'records', rows: 2, genesis });
    expect((await verify(page, '00'.repeat(32))).exitCode).toBe(exit.genesis);
  });

  test('that say anything else than their receipts do not hold', async () => {
    const text = await found(2, 'evidence', '--where', `subject=${SUBJECT}`, '--proof');
    type Change = (page: { records: (RecordPage['records'][number] & Record<string, unknown>)[] }) => void;
    const changes: readonly Change[] = [
      (page) => (page.records[1]!.fields.subject = 'lot 8'),
      (page) => (page.records[0]!.fields.sizeBytes = 4),
      (page) => (page.records[0]!.fields.extra = 'more'),
      (page) => delete page.records[0]!.fields.digest,
      (page) => (page.records[0]!.height += 1),
      (page) => (page.records[0]!.timeMs += 1),
      (page) => (page.records[0]!.transaction += 1),
      (page) => (page.records[0]!.sender = page.records[0]!.sender!.replace(/.$/, 'q')),
      (page) => (page.records[0]!.nonce = '00'.repeat(32)),
      (page) => (page.records[0]!.key = '00'.repeat(32)),
      (page) => (page.records[0]!.collection = 'accounts'),
      (page) => (page.records[0]!.receipt = page.records[1]!.receipt),
    ];
    for (const change of changes) {
      const page = JSON.parse(text);
      expect(verifyRecords(readPage(page), fromHex(genesis))).toMatchObject({ rows: 2 });
      change(page);
      expect(verifyRecords(readPage(page), fromHex(genesis)), String(change)).toMatchObject({
        code: 'PROOF_INCLUSION',
      });
    }
  });

  test('without receipts, or none at all, prove nothing', async () => {
    const bare = await found(2, 'evidence', '--where', `subject=${SUBJECT}`);
    expect((await verify(bare)).exitCode).toBe(exit.form);
    expect((await verify(await found(0, 'evidence', '--where', 'subject=none', '--proof'))).exitCode).toBe(exit.form);
    expect((await verify('{"records":5}')).exitCode).toBe(exit.form);
    expect((await verify('')).exitCode).toBe(exit.form);
  });

  test('come in pages, in the order asked for, counted', async () => {
    const all = ['evidence', '--where', `subject=${SUBJECT}`, '--sort=-height', '--count'];
    await found(2, ...all);
    const first = (await query(...all, '--limit', '1')).json() as unknown as RecordPage;
    expect(first.count).toEqual({ value: 2, exact: true });
    const second = (await query(...all, '--limit', '1', '--cursor', first.next!)).json() as unknown as RecordPage;
    expect(second.next).toBeNull();
    expect(second.records[0]!.height).toBeLessThan(first.records[0]!.height);
  });
});

test('a schema holds records to it, and they are found by what it marks', { timeout: 60_000 }, async () => {
  const file = join(root, 'goods.json');
  const property = { type: 'integer', minimum: 0, 'x-indexed': true };
  const schema = { type: 'object', properties: { weight_g: property }, additionalProperties: false };
  writeFileSync(file, JSON.stringify(schema));
  const made = await brop(['schema', 'register', file, '--name', 'goods', '--json'], env);
  expect(made.exitCode, made.stderr).toBe(exit.ok);
  const id = String(made.json().schema);
  const register = (weight: string) => {
    const about = ['--schema', id, '--attribute', `weight_g=${weight}`, '--out', join(root, 'out')];
    return brop(['register', join(root, 'files', 'three.txt'), ...about], env);
  };
  expect((await register('120')).exitCode).toBe(exit.ok);
  expect((await register('-1')).stderr).toContain('as the schema says');
  const page = JSON.parse(await found(1, 'evidence', '--where', 'attributes.weight_g>=100', '--proof')) as RecordPage;
  expect(page.records[0]!.fields).toMatchObject({ 'attributes.weight_g': 120, schema: id });
  await found(1, 'schemas', '--where', 'name=goods');
  // Again, another schema, none at all.
  expect((await brop(['schema', 'register', file, '--name', 'goods'], env)).stderr).toContain('this very schema');
  writeFileSync(file, JSON.stringify({ ...schema, title: 'Goods' }));
  expect((await brop(['schema', 'register', file, '--name', 'goods'], env)).stderr).toContain('title');
  for (const bad of ['weight_g', '=5', 'a b=5'])
    expect((await brop(['register', file, '--attribute', bad], env)).exitCode, bad).toBe(exit.usage);
});

test('the other collections are there, with receipts for what transactions have written', {
  timeout: 60_000,
}, async () => {
  const partners = await found(1, 'accounts', '--where', 'kind=partner', '--proof');
  expect((await verify(partners)).exitCode).toBe(exit.ok);
  const transactions = await found(2, 'transactions', '--where', 'code=0', '--limit', '2', '--sort=-height', '--proof');
  expect((await verify(transactions)).exitCode).toBe(exit.ok);
  const operator = JSON.parse(await found(1, 'participants', '--where', 'kind=operator', '--proof')) as RecordPage;
  expect(operator.records[0]).toMatchObject({ height: 0, receipt: null });
});

test('bad queries are said to be bad', { timeout: 60_000 }, async () => {
  const bad = [
    ['evidence', '--where', 'colour=red'],
    ['evidence', '--sort', 'sizeBytes'],
    ['evidence', '--cursor', 'x'],
    ['nothing'],
    ['evidence', '--limit', '101'],
  ];
  for (const args of bad) {
    const ran = await query(...args);
    expect(ran.exitCode, args.join(' ')).toBe(exit.usage);
    expect(ran.stderr).toMatch(/^brop: /);
  }
});
