// Backups as the command makes them, on real folders.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openBlobsFolder } from '../../adapters/blobs-folder/blobs-folder.ts';
import { openLmdbStore } from '../../adapters/store-lmdb/store.ts';
import { voteRecordFile } from '../../adapters/vote-record-file/vote-record.ts';
import type { Genesis } from '../../node-core/chain/genesis.ts';
import { fsckFolder, makeBackup, restoreBackup } from '../../nodes/backup.ts';
import { CHAIN_FORMAT, openDataFolder, openStore } from '../../nodes/open-store.ts';
import { MadeChain } from '../files/made-chain.ts';

const quiet = () => {};
let work: string;
let data: string;
let made: string;
let genesis: Genesis;
beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'brop-backup-'));
  data = join(work, 'data');
  made = join(work, 'made');
  const kv = await openLmdbStore({ folder: join(data, 'chain'), format: CHAIN_FORMAT });
  const blobs = openBlobsFolder(join(data, 'files'));
  const chain = await MadeChain.open('backup', { kv, blobs });
  await chain.grow(260, 1);
  await chain.store.flush();
  await chain.store.blocks.sealNext(chain.store.flushedHeight, async () => {});
  await chain.store.close();
  genesis = chain.members.genesis;
  mkdirSync(join(data, 'vote-record'));
  writeFileSync(join(data, 'vote-record', 'data.mdb'), 'what was signed');
  writeFileSync(join(data, 'node-key.pem'), 'a secret');
  await makeBackup(data, made, quiet);
}, 120_000);
afterAll(() => rmSync(work, { recursive: true, force: true }));

const filesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();

/** A copy of the backup, to be damaged. */
function copied(name: string): string {
  const copy = join(work, name);
  cpSync(made, copy, { recursive: true });
  return copy;
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at]! ^= 1;
  writeFileSync(path, bytes);
}

describe('a backup', () => {
  test('holds the chain and the files, and neither keys nor the vote record', () => {
    expect(filesIn(made)).toEqual(['chain/FORMAT', 'chain/data.mdb', 'files/blocks/000', 'manifest.json']);
    expect(readFileSync(join(made, 'manifest.json'), 'utf8')).not.toContain('vote-record');
  });

  test('is refused while a node holds the folder, and into a folder that is in use', async () => {
    const running = await openDataFolder(data);
    await expect(makeBackup(data, join(work, 'b1'), quiet)).rejects.toMatchObject({ code: 'STORE_LOCKED' });
    await expect(fsckFolder(data, genesis, quiet)).rejects.toMatchObject({ code: 'STORE_LOCKED' });
    await running.kv.close();
    await expect(makeBackup(data, made, quiet)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(makeBackup(join(work, 'nowhere'), join(work, 'b2'), quiet)).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
    });
    expect([existsSync(join(work, 'b1')), existsSync(join(work, 'b2'))]).toEqual([false, false]);
  });
});

describe('a restore', () => {
  test('gives the same chain', async () => {
    const target = join(work, 'restored');
    const report = await restoreBackup(made, target, genesis, quiet);
    expect(report).toMatchObject({ height: 260, blocks: 260, findings: [] });
    expect(readdirSync(target).sort()).toEqual(['chain', 'files']);
    const [before, after] = [await openStore(data, genesis), await openStore(target, genesis)];
    expect(after.store.height).toBe(260);
    for (const height of [1, 256, 257, 260])
      expect(await after.store.row(height)).toEqual(await before.store.row(height));
    await before.store.close();
    await after.store.close();
  });

  test('leaves a validator without its vote record, so that it does not sign with its old key', async () => {
    const target = join(work, 'validator');
    await restoreBackup(made, target, genesis, quiet);
    const { store } = await openStore(target, genesis);
    const record = voteRecordFile({ folder: join(target, 'vote-record'), create: store.height === 0 });
    await expect(record.open()).rejects.toMatchObject({ code: 'corrupt' });
    await store.close();
  });

  test('is refused into a folder with a chain', async () => {
    await expect(restoreBackup(made, data, genesis, quiet)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    expect(existsSync(join(data, 'restoring'))).toBe(false);
  });

  test('of another chain is refused', async () => {
    const other = (await MadeChain.open('another')).members.genesis;
    await expect(restoreBackup(made, join(work, 'o'), other, quiet)).rejects.toMatchObject({
      code: 'STORE_OTHER_CHAIN',
    });
  });

  const tampered: readonly (readonly [string, (backup: string) => void, RegExp])[] = [
    ['a byte of the store', (backup) => flip(join(backup, 'chain/data.mdb'), 9_000), /chain\/data\.mdb: its SHA-256/],
    [
      'a byte of a segment',
      (backup) => flip(join(backup, 'files/blocks/000'), 5_000),
      /files\/blocks\/000: its SHA-256/,
    ],
    ['a file cut off', (backup) => writeFileSync(join(backup, 'files/blocks/000'), 'x'), /files\/blocks\/000: 1 bytes/],
    ['a file gone', (backup) => rmSync(join(backup, 'files/blocks/000')), /files\/blocks\/000: it is missing/],
    [
      'a file more',
      (backup) => writeFileSync(join(backup, 'chain/more'), ''),
      /chain\/more: it is not in the manifest/,
    ],
    ['a vote record slipped in', slipIn, /manifest\.json: it is not the manifest/],
    ['the manifest', (backup) => writeFileSync(join(backup, 'manifest.json'), '{}'), /manifest\.json: it is not/],
  ];
  test.each(tampered)(
    'of a backup with %s: one line names the file, and nothing is left',
    async (what, damage, line) => {
      const backup = copied(`tampered ${what}`);
      damage(backup);
      const target = join(work, `into ${what}`);
      const error = await restoreBackup(backup, target, genesis, quiet).catch((thrown: Error) => thrown);
      expect(error).toMatchObject({ code: 'BACKUP_INVALID', message: expect.stringMatching(line) });
      expect((error as Error).message).not.toContain('\n');
      expect(existsSync(target) ? readdirSync(target) : []).toEqual([]);
    },
  );

  test('of a backup whose manifest was made to fit the damage: the chain itself says what is wrong', async () => {
    const backup = copied('fits');
    flip(join(backup, 'files/blocks/000'), 5_000);
    const again = JSON.parse(readFileSync(join(backup, 'manifest.json'), 'utf8'));
    const { createHash } = await import('node:crypto');
    for (const file of again.files)
      file.sha256 = createHash('sha256')
        .update(readFileSync(join(backup, file.path)))
        .digest('hex');
    writeFileSync(join(backup, 'manifest.json'), JSON.stringify(again));
    await expect(restoreBackup(backup, join(work, 'fits into'), genesis, quiet)).rejects.toMatchObject({
      code: 'BACKUP_INVALID',
      message: expect.stringContaining('blocks/000'),
    });
  });
});

function slipIn(backup: string): void {
  const manifest = JSON.parse(readFileSync(join(backup, 'manifest.json'), 'utf8'));
  mkdirSync(join(backup, 'vote-record'));
  writeFileSync(join(backup, 'vote-record', 'data.mdb'), '');
  manifest.files.push({ path: 'vote-record/data.mdb', bytes: 0, sha256: '0'.repeat(64) });
  writeFileSync(join(backup, 'manifest.json'), JSON.stringify(manifest));
}
