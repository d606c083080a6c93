/** What a node keeps to itself: in memory, and in files of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { openAuditFile } from '../../adapters/audit-file/audit-file.ts';
import { openTokenKeys } from '../../adapters/token-keys-file/token-keys-file.ts';
import { MemorySingleUse } from '../../api/auth/memory.ts';
import { pureCrypto } from '../../node-core/crypto/pure.ts';
import { describeAuditLog } from './audit-log.ts';
import { describeSingleUse } from './single-use.ts';
import { describeTokenKeys } from './token-keys.ts';

const folder = mkdtempSync(join(tmpdir(), 'service-'));
afterAll(() => rmSync(folder, { recursive: true }));
let made = 0;
const quiet = () => {};
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };

describeSingleUse('memory', async (clock) => {
  const memory = new MemorySingleUse(clock, 100);
  return () => memory;
});

describeTokenKeys('file', async (clock) => {
  const path = join(folder, `token-keys-${made++}.json`);
  return () => openTokenKeys(path, pureCrypto, clock);
});

describeAuditLog('file', async () => {
  const own = join(folder, `audit-${made++}`);
  const reopen = async () => openAuditFile({ folder: own, log });
  return { audit: await reopen(), written: async () => {}, reopen };
});
