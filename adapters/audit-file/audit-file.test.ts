import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openAuditFile } from './audit-file.ts';

let folder: string;
const errors: string[] = [];
const quiet = () => {};
const log = { debug: quiet, info: quiet, warn: quiet, error: (message: string) => void errors.push(message) };
const open = (maxFileBytes?: number) =>
  openAuditFile({ folder, log, ...(maxFileBytes !== undefined && { maxFileBytes }) });
const entry = (account: string, action = 'login') => {
  return { timeMs: 5, account, tokenId: 't', action, target: null, outcome: 'done' };
};
const numbers = async (
  audit: ReturnType<typeof open>,
  account: string,
  before = Number.MAX_SAFE_INTEGER,
  limit = 200,
) => (await audit.of(account, before, limit)).map(({ number }) => number);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'audit-'));
  errors.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('openAuditFile', () => {
  it('gives an account its own entries, newest first, page by page, also after a restart', async () => {
    const audit = open();
    for (let i = 0; i < 6; i++) audit.append(entry(i % 2 === 0 ? 'a' : 'b', `action ${i}`));
    for (const opened of [audit, open()]) {
      expect(await numbers(opened, 'a')).toEqual([5, 3, 1]);
      expect(await numbers(opened, 'a', 5, 1)).toEqual([3]);
      expect(await numbers(opened, 'c')).toEqual([]);
    }
    const next = open();
    next.append(entry('a'));
    expect((await numbers(next, 'a'))[0]).toBe(7);
  });

  it('writes a line for each, which its owner alone may read', () => {
    open().append(entry('a'));
    const path = join(folder, 'audit.jsonl');
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ number: 1, ...entry('a') });
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('keeps four files, and in memory 200 entries of an account', async () => {
    const audit = open(1_000);
    for (let i = 0; i < 300; i++) audit.append(entry('a'));
    expect(readdirSync(folder).sort()).toEqual(['audit.1.jsonl', 'audit.2.jsonl', 'audit.3.jsonl', 'audit.jsonl']);
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).size).toBeLessThan(1_200);
    expect(await numbers(audit, 'a')).toEqual(Array.from({ length: 200 }, (_, i) => 300 - i));
  });

  it('remembers a thousand accounts, those that were active last', async () => {
    const audit = open();
    audit.append(entry('old'));
    audit.append(entry('busy'));
    for (let i = 0; i < 999; i++) audit.append(entry(`account ${i}`));
    expect([await numbers(audit, 'old'), await numbers(audit, 'busy')]).toEqual([[], [2]]);
  });

  it('passes over a line that broke off', async () => {
    open().append(entry('a'));
    appendFileSync(join(folder, 'audit.jsonl'), '{"number":2,"acc');
    expect(await numbers(open(), 'a')).toEqual([1]);
  });

  it('says once that it cannot write, and goes on', async () => {
    const audit = open();
    rmSync(folder, { recursive: true });
    audit.append(entry('a'));
    audit.append(entry('a'));
    expect(errors).toEqual(['the audit log cannot be written']);
    expect(await numbers(audit, 'a')).toEqual([2, 1]);
  });
});
