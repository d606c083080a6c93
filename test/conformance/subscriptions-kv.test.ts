import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLmdbStore } from '../../adapters/store-lmdb/store.ts';
import { subscriptionsKv } from '../../adapters/subscriptions-kv/subscriptions-kv.ts';
import { describeSubscriptionStore } from './subscription-store.ts';

describeSubscriptionStore('LMDB', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'brop-subscriptions-'));
  let store = subscriptionsKv(await openLmdbStore({ folder }));
  return {
    store,
    async reopen() {
      await store.close();
      store = subscriptionsKv(await openLmdbStore({ folder }));
      return store;
    },
    async cleanup() {
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
});
