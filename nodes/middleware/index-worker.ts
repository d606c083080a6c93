/** The index's own thread: blocks and queries come in, one after the other, answers go out. */
import { parentPort, workerData } from 'node:worker_threads';
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { SqliteIndexStore } from '../../adapters/index-sqlite/index-sqlite.ts';
import type { Row } from '../../node-core/chain/segment.ts';
import { decodeStoredBlock } from '../../node-core/chain/stored-block.ts';
import { finalizedBlock } from '../../node-core/middleware/finalized-block.ts';
import { rowsOf } from '../../node-core/middleware/index/rows.ts';
import { runQuery } from '../../node-core/middleware/query/query.ts';
import { type IndexProgress, IndexStoreError } from '../../node-core/ports/index-store.ts';
import type { Answer, Call, IndexCalls } from './index-thread.ts';

const store = new SqliteIndexStore((workerData as { path: string }).path);

const calls: IndexCalls = {
  open: (identity, from) => store.open(identity, from),
  apply: (blocks) => store.apply(blocks),
  write: (rows: readonly Row[]): Promise<IndexProgress> =>
    store.apply(rows.map((row) => rowsOf(finalizedBlock(nativeCrypto, decodeStoredBlock(...row))))),
  clear: (from) => store.clear(from),
  search: (query) => runQuery(nativeCrypto, store, query),
  close: () => store.close(),
};

parentPort?.on('message', async ({ id, method, args }: Call) => {
  const call = calls[method] as (...all: readonly unknown[]) => Promise<unknown>;
  let answer: Answer;
  try {
    answer = { id, value: await call(...args) };
  } catch (error) {
    const code = error instanceof IndexStoreError ? error.code : undefined;
    answer = { id, error: { code, message: error instanceof Error ? error.message : String(error) } };
  }
  parentPort?.postMessage(answer);
});
