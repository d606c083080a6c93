/** The AuditLog port in a folder of JSON lines, with the newest entries of each account in memory. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { AuditEntry, AuditLog } from '../../node-core/ports/audit-log.ts';
import type { Log } from '../../node-core/ports/log.ts';

export interface AuditFileOptions {
  readonly folder: string;
  readonly log: Log;
  readonly maxFileBytes?: number;
}

const MAX_FILE_BYTES = 8 << 20;
const FILES = 4;
const MAX_ENTRIES = 200;
const MAX_ACCOUNTS = 1_000;

const fileName = (age: number) => (age === 0 ? 'audit.jsonl' : `audit.${age}.jsonl`);

export function openAuditFile({ folder, log, maxFileBytes = MAX_FILE_BYTES }: AuditFileOptions): AuditLog {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const recent = new RecentEntries();
  let number = 0;
  for (let age = FILES - 1; age >= 0; age--) {
    for (const entry of entriesIn(join(folder, fileName(age)))) {
      recent.add(entry);
      number = Math.max(number, entry.number);
    }
  }
  let failed = false;
  return {
    append: (entry) => {
      number += 1;
      const numbered = { number, ...entry };
      recent.add(numbered);
      try {
        rotate(folder, maxFileBytes);
        appendFileSync(join(folder, fileName(0)), `${JSON.stringify(numbered)}\n`, { mode: 0o600 });
        failed = false;
      } catch (error) {
        if (!failed) log.error('the audit log cannot be written', { error: String(error) });
        failed = true;
      }
    },
    of: async (account, before, limit) => recent.of(account, before, limit),
  };
}

/** The oldest goes when the newest is full. */
function rotate(folder: string, maxFileBytes: number): void {
  const newest = join(folder, fileName(0));
  if (!existsSync(newest) || statSync(newest).size < maxFileBytes) return;
  for (let age = FILES - 2; age >= 0; age--) {
    if (existsSync(join(folder, fileName(age))))
      renameSync(join(folder, fileName(age)), join(folder, fileName(age + 1)));
  }
}

/** A line that broke off, after a power failure say, is passed over. */
function entriesIn(path: string): readonly AuditEntry[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        const entry = JSON.parse(line) as AuditEntry;
        return Number.isSafeInteger(entry.number) && typeof entry.account === 'string' ? [entry] : [];
      } catch {
        return [];
      }
    });
}

class RecentEntries {
  /** Oldest entry first; the account that was active last at the end. */
  private readonly byAccount = new Map<string, AuditEntry[]>();

  add(entry: AuditEntry): void {
    const entries = this.byAccount.get(entry.account) ?? [];
    entries.push(entry);
    if (entries.length > MAX_ENTRIES) entries.shift();
    this.byAccount.delete(entry.account);
    this.byAccount.set(entry.account, entries);
    if (this.byAccount.size > MAX_ACCOUNTS) this.byAccount.delete(this.byAccount.keys().next().value!);
  }

  of(account: string, before: number, limit: number): readonly AuditEntry[] {
    const older = (this.byAccount.get(account) ?? []).filter(({ number }) => number < before);
    return older.slice(-limit).reverse();
  }
}
