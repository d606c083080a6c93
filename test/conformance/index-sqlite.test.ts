import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { SqliteIndexStore } from '../../adapters/index-sqlite/index-sqlite.ts';
import type { IndexStore } from '../../node-core/ports/index-store.ts';
import { blockOf, indexStoreConformance, record } from './index-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'index-sqlite-'));
afterAll(() => rmSync(folder, { recursive: true }));
const paths = new Map<IndexStore, string>();
let made = 0;

function at(path: string): IndexStore {
  const store = new SqliteIndexStore(path);
  paths.set(store, path);
  return store;
}

indexStoreConformance('index-sqlite', {
  create: async () => at(join(folder, `${made++}.sqlite`)),
  again: async (store) => {
    await store.close();
    return at(paths.get(store)!);
  },
});

describe('a damaged file', () => {
  test('is made anew', async () => {
    const path = join(folder, 'damaged.sqlite');
    writeFileSync(path, 'this is no database'.repeat(1_000));
    const store = new SqliteIndexStore(path);
    expect(await store.open('chain', 3)).toEqual({ from: 3, watermark: 2 });
    expect(await store.apply([blockOf(3, record(3, 1, {}))])).toEqual({ from: 3, watermark: 3 });
    await store.close();
  });

  test('in a folder that is not there the index is unavailable', async () => {
    const store = new SqliteIndexStore(join(folder, 'nowhere', 'index.sqlite'));
    await expect(store.open('chain', 0)).rejects.toMatchObject({ code: 'unavailable' });
  });
});
