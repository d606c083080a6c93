import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openBlobsFolder, openFolderFiles } from '../../adapters/blobs-folder/blobs-folder.ts';
import { StoreError } from '../../node-core/ports/key-value-store.ts';
import { MemoryBlobs } from '../simulation/memory-blobs.ts';
import { describeBlobs } from './blobs.ts';
import { startChild } from './children/child.ts';
import { seeded } from './seeded.ts';

const KILLS = 12;
const temporary = () => mkdtempSync(join(tmpdir(), 'brop-blobs-'));

describeBlobs('blobs-folder', async () => {
  const folder = temporary();
  return {
    blobs: openBlobsFolder(folder),
    reopen: async () => openBlobsFolder(folder),
    cleanup: async () => rmSync(folder, { recursive: true, force: true }),
  };
});

describeBlobs('the simulated disk', async () => {
  const blobs = new MemoryBlobs();
  return {
    blobs,
    reopen: async () => new MemoryBlobs(blobs.files),
    fill: (bytes) => {
      blobs.capacityBytes = [...blobs.files.values()].reduce((sum, { length }) => sum + length, bytes);
    },
    cleanup: async () => {},
  };
});

it('a folder of somebody else is read, and nothing is written into it', async () => {
  const folder = temporary();
  mkdirSync(join(folder, 'blocks'));
  writeFileSync(join(folder, 'blocks', '000'), 'x');
  expect(await openFolderFiles(folder).read('blocks/000')).toEqual(Uint8Array.of(120));
  await expect(openFolderFiles(folder).read('blocks')).rejects.toThrow(StoreError);
  expect(readdirSync(folder)).toEqual(['blocks']);
  rmSync(folder, { recursive: true });
});

it('what an earlier process left unfinished is gone, and the modes are those of public files', async () => {
  const folder = temporary();
  mkdirSync(join(folder, '.unfinished'));
  writeFileSync(join(folder, '.unfinished', 'half'), 'x'.repeat(1_000));
  const blobs = openBlobsFolder(folder);
  await blobs.put('blocks/000', [Uint8Array.of(1)]);
  expect(readdirSync(join(folder, '.unfinished'))).toEqual([]);
  expect(statSync(join(folder, 'blocks', '000')).mode & 0o777).toBe(0o644);
  expect(statSync(join(folder, 'blocks')).mode & 0o777).toBe(0o755);
  rmSync(folder, { recursive: true });
});

it('a place that is no folder is said in one line', () => {
  const folder = temporary();
  writeFileSync(join(folder, 'file'), '');
  expect(() => openBlobsFolder(join(folder, 'file'))).toThrow(StoreError);
  symlinkSync(join(folder, 'nowhere'), join(folder, 'link'));
  expect(() => openBlobsFolder(join(folder, 'link'))).toThrow(StoreError);
  rmSync(folder, { recursive: true });
});

it(`every object is whole, and every acknowledged one there, over ${KILLS} kills`, async () => {
  const folder = temporary();
  const random = seeded(11);
  let last = 0;
  for (let kill = 1; kill <= KILLS; kill++) {
    const child = startChild(new URL('./children/blobs-writer.ts', import.meta.url), folder, String(last + 1));
    await child.line((line) => Number(line) > last);
    await sleep(random(60));
    await child.end();
    last = Math.max(...child.lines.map(Number).filter((n) => !Number.isNaN(n)));
    const blobs = openBlobsFolder(folder);
    const paths = await blobs.list('');
    expect(paths.length, `kill ${kill}`).toBeGreaterThanOrEqual(last);
    expect(paths.length, `kill ${kill}`).toBeLessThanOrEqual(last + 1);
    for (const path of paths.slice(-40)) expect(await blobs.size(path), `${path} after kill ${kill}`).toBe(300_000);
    last = paths.length;
  }
  rmSync(folder, { recursive: true });
}, 120_000);
