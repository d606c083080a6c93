/** The index of a node: a SQLite file in its data folder, written and searched in a thread of its own. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import type { PrometheusMetrics } from '../../adapters/metrics-prometheus/metrics.ts';
import { systemClock } from '../../adapters/system/clock.ts';
import { BropError } from '../../node-core/chain/codes.ts';
import type { Row } from '../../node-core/chain/segment.ts';
import { type BlockSource, blockSource } from '../../node-core/middleware/block-source.ts';
import { Indexer } from '../../node-core/middleware/index/indexer.ts';
import type { RecordSearch } from '../../node-core/middleware/query/query.ts';
import type { Log } from '../../node-core/ports/log.ts';
import { NodeBlockFeed } from '../../node-core/runtime/block-feed.ts';
import type { Node } from '../../node-core/runtime/node.ts';
import { IndexThread } from './index-thread.ts';

export const INDEX_FOLDER = 'index';

export interface NodeIndex {
  readonly search: RecordSearch;
  readonly indexer: Indexer<Row>;
  close(): Promise<void>;
}

/** Begins to follow the chain. Never throws: what is wrong shows as an index that is unavailable. */
export function startIndex(dataFolder: string, node: Node, log: Log): NodeIndex {
  const folder = join(dataFolder, INDEX_FOLDER);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch {
    // Opening the file in it fails, is logged and tried again: the chain goes on without an index.
  }
  const store = new IndexThread(join(folder, 'index.sqlite'));
  const source = storedBlocks(node);
  const { genesis } = node.store;
  const indexer = new Indexer({ crypto: nativeCrypto, genesis, source, writer: store, clock: systemClock, log });
  indexer.start();
  return {
    search: store,
    indexer,
    close: async () => {
      // What the indexer waits for ends with the thread at the latest.
      const stopped = indexer.stop();
      await store.close();
      await stopped;
    },
  };
}

/** As they are stored: the thread decodes them. */
function storedBlocks(node: Node): BlockSource<Row> {
  const feed = new NodeBlockFeed(node);
  return blockSource(feed, {
    sizeBytes: ([block, commit]) => block.length + commit.length,
    read: async (height) => {
      const row = await node.store.row(height);
      if (row === undefined) throw new BropError('PRUNED', `Height ${height}.`);
      return row;
    },
  });
}

export function registerIndex(metrics: PrometheusMetrics, { indexer }: NodeIndex): void {
  metrics.gauge(
    'brop_index_height',
    'Up to which block the index is complete; -1 without one yet.',
    () => indexer.height,
  );
  metrics.gauge('brop_index_lag_blocks', 'Final blocks that are not in the index yet.', () => indexer.lagBlocks);
  metrics.counter(
    'brop_index_failures_total',
    'Times that the index failed and was tried again.',
    () => indexer.failures,
  );
}
