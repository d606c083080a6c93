import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DataFolder } from './data-folder.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'brop-data-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, content: string | Uint8Array): void {
  mkdirSync(join(root, path, '..'), { recursive: true });
  writeFileSync(join(root, path), content);
}

it('counts what each part takes, sealed segments and snapshots', async () => {
  write('chain/data.mdb', new Uint8Array(100_000));
  write('files/blocks/000', 'a');
  write('files/blocks/x001/002', 'b');
  write('files/blocks/x001/003.p/17', 'partial');
  write('files/snapshots/index', '256\n512\n');
  const { bytes, segments, snapshots } = await new DataFolder(root).look();
  expect([...bytes.keys()].sort()).toEqual(['chain', 'files']);
  expect(bytes.get('chain')).toBeGreaterThanOrEqual(100_000);
  expect({ segments, snapshots }).toEqual({ segments: 2, snapshots: 2 });
});

it('has nothing to say of a folder that is not there', async () => {
  const { bytes, segments, snapshots } = await new DataFolder(join(root, 'none')).look();
  expect({ parts: bytes.size, segments, snapshots }).toEqual({ parts: 0, segments: 0, snapshots: 0 });
});

it('looks once for those who ask soon after each other', async () => {
  const folder = new DataFolder(root);
  expect((await folder.look()).segments).toBe(0);
  write('files/blocks/000', 'a');
  expect((await folder.look()).segments).toBe(0);
});

it('knows the room on its volume', async () => {
  const { freeBytes, sizeBytes } = await new DataFolder(root).volume();
  expect(freeBytes).toBeGreaterThan(0);
  expect(sizeBytes).toBeGreaterThanOrEqual(freeBytes);
});
