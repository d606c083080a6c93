import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLmdbStore } from '../../adapters/store-lmdb/store.ts';
import { describeKeyValueStore } from './key-value-store.ts';

describeKeyValueStore('LMDB', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'brop-store-'));
  let store = await openLmdbStore({ folder });
  return {
    store,
    async reopen() {
      await store.close();
      store = await openLmdbStore({ folder });
      return store;
    },
    async cleanup() {
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
});
