/** Writes the chain of a follower into the ledger table of the proxy, out of which functions answer. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CLIENT_SETTINGS } from '../../adapters/aws/client-settings.ts';
import { Persistence } from '../../adapters/aws/persistence.ts';
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { Table } from '../../adapters/dynamodb/table.ts';
import { HEAD_KEY, headOf } from '../../adapters/ledger-dynamodb/items.ts';
import { LedgerWriter } from '../../adapters/ledger-dynamodb/ledger-writer.ts';
import type { PrometheusMetrics } from '../../adapters/metrics-prometheus/metrics.ts';
import { systemClock } from '../../adapters/system/clock.ts';
import type { Log } from '../../node-core/ports/log.ts';
import type { Node } from '../../node-core/runtime/node.ts';
import { Queries } from '../../node-core/runtime/queries.ts';
import { ledgerSource } from './ledger-source.ts';

export interface LedgerCopy {
  /** The newest height of the table; −1 before it is known. */
  readonly height: number;
  close(): Promise<void>;
}

/** Begins at once. Never throws: what is wrong is logged and tried again. Region and credentials are the environment's. */
export function startLedger(tableName: string, node: Node, log: Log, metrics?: PrometheusMetrics): LedgerCopy {
  const client = new DynamoDBClient(CLIENT_SETTINGS);
  const source = ledgerSource(nativeCrypto, node, new Queries(nativeCrypto, systemClock, node));
  const writer = new LedgerWriter({ client, tableName, source, clock: systemClock, log });
  if (metrics !== undefined) registerLedger(metrics, writer);
  writer.start();
  return {
    get height() {
      return writer.height;
    },
    close: async () => {
      await writer.stop();
      client.destroy();
    },
  };
}

/** A node that starts without knowing waits this long for DynamoDB; then its process ends, and is started anew. */
const PATIENCE_MS = 60_000;

/** The newest height of a ledger table; undefined while it has none. Region and credentials are the environment's. */
export async function ledgerTableHeight(tableName: string, log: Log): Promise<number | undefined> {
  const client = new DynamoDBClient(CLIENT_SETTINGS);
  const table = new Table(client, tableName);
  const persistence = new Persistence({ log, patienceMs: PATIENCE_MS });
  try {
    const head = await persistence.run('the head of the ledger table', () => table.get(HEAD_KEY));
    return head && headOf(head).height;
  } finally {
    client.destroy();
  }
}

function registerLedger(metrics: PrometheusMetrics, writer: LedgerWriter): void {
  metrics.gauge(
    'brop_ledger_table_height',
    'The newest block in the ledger table; -1 before it is known.',
    () => writer.height,
  );
  metrics.gauge(
    'brop_ledger_table_lag_blocks',
    'Final blocks that are not in the ledger table yet.',
    () => writer.lagBlocks,
  );
  metrics.counter(
    'brop_ledger_table_failures_total',
    'Times that the ledger table could not be written and was tried again.',
    () => writer.failures,
  );
}
