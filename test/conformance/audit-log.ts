import { describe, expect, it } from 'vitest';
import type { AuditLog } from '../../node-core/ports/audit-log.ts';

export interface AuditLogHarness {
  readonly audit: AuditLog;
  /** Resolves when what was appended is read by all. */
  written(): Promise<void>;
  /** The same log, opened again. */
  reopen(): Promise<AuditLog>;
}

const NEWEST = Number.MAX_SAFE_INTEGER;
const entry = (account: string, action: string, timeMs = 1_700_000_000_000) => {
  return { timeMs, account, tokenId: 'token', action, target: 'sub_1', outcome: 'done' };
};

/** What every AuditLog must do; see node-core/ports/audit-log.ts. */
export function describeAuditLog(name: string, open: () => Promise<AuditLogHarness>): void {
  describe(`audit log: ${name}`, () => {
    it('gives an account its own entries, newest first, page by page, also when it is opened again', async () => {
      const { audit, written, reopen } = await open();
      for (let i = 0; i < 6; i++) {
        audit.append(entry(i % 2 === 0 ? 'brop1a' : 'brop1b', `action ${i}`, 1_700_000_000_000 + i));
        await written();
      }
      for (const one of [audit, await reopen()]) {
        const all = await one.of('brop1a', NEWEST, 10);
        expect(all.map(({ action }) => action)).toEqual(['action 4', 'action 2', 'action 0']);
        expect(all[0]).toEqual({ ...entry('brop1a', 'action 4', 1_700_000_000_004), number: all[0]!.number });
        const [first] = await one.of('brop1a', NEWEST, 1);
        const rest = await one.of('brop1a', first!.number, 1);
        expect(rest.map(({ action }) => action)).toEqual(['action 2']);
        expect(await one.of('brop1c', NEWEST, 10)).toEqual([]);
      }
    });

    it('entries of one moment are all there, each with a number of its own', async () => {
      const { audit, written } = await open();
      for (let i = 0; i < 10; i++) audit.append(entry('brop1a', `action ${i}`));
      await written();
      const found = await audit.of('brop1a', NEWEST, 100);
      expect(new Set(found.map(({ number }) => number)).size).toBe(10);
      expect(new Set(found.map(({ action }) => action)).size).toBe(10);
      const numbers = found.map(({ number }) => number);
      expect(numbers).toEqual([...numbers].sort((a, b) => b - a));
    });
  });
}
