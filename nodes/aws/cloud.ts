/** What of a node lies on AWS, as its config says: the vote record, the journal, the place of its published files. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CLIENT_SETTINGS } from '../../adapters/aws/client-settings.ts';
import { Persistence } from '../../adapters/aws/persistence.ts';
import { nativeCrypto } from '../../adapters/crypto-native/native.ts';
import { journalDynamoDb } from '../../adapters/journal-dynamodb/journal.ts';
import type { PrometheusMetrics } from '../../adapters/metrics-prometheus/metrics.ts';
import { systemClock } from '../../adapters/system/clock.ts';
import { voteRecordDynamoDb } from '../../adapters/vote-record-dynamodb/vote-record.ts';
import type { Genesis } from '../../node-core/chain/genesis.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import type { PublishedFiles } from '../../node-core/ports/chain-files.ts';
import type { Journal } from '../../node-core/ports/journal.ts';
import type { Log } from '../../node-core/ports/log.ts';
import type { VoteRecord } from '../../node-core/ports/vote-record.ts';
import type { ChainStore } from '../../node-core/runtime/chain-store.ts';
import type { FileSource } from '../../node-core/runtime/file-sync.ts';
import { Publisher } from '../../node-core/runtime/publisher.ts';
import type { NodeConfig } from '../config.ts';
import type { LastPatience } from '../last-patience.ts';
import { openS3Files, openS3Source } from './files.ts';
import type { LedgerCopy } from './ledger.ts';

export class Cloud {
  /** What must outlive the disk of a validator; undefined where the disk stays. */
  readonly journal: Journal | undefined;
  /** Up to where the chain is published; undefined where it is not. */
  readonly publishedHeight: (() => number) | undefined;
  /** The files that this node has published in an earlier life. */
  readonly sources: readonly FileSource[];
  private readonly config: NodeConfig;
  private readonly log: Log;
  private readonly scope: string;
  private readonly persistence: Persistence;
  private readonly table: DynamoDBClient | undefined;
  private readonly stopping = new AbortController();
  private publisher: Publisher | undefined;

  constructor(config: NodeConfig, genesis: Genesis, log: Log, patience: LastPatience) {
    const record = recordOf(config);
    this.config = config;
    this.log = log;
    this.scope = `${toHex(genesis.hash)}/${record?.validator}`;
    this.persistence = new Persistence({ log, signal: patience.signal });
    this.table = record && new DynamoDBClient(CLIENT_SETTINGS);
    const proposals = config.role === 'validator' ? config.proposals : undefined;
    if (proposals !== undefined && this.table !== undefined) {
      const { scope, persistence, table: client } = this;
      this.journal = journalDynamoDb({ client, table: proposals.table, scope, persistence });
    }
    const { publish } = config;
    this.publishedHeight = publish === undefined ? undefined : () => this.publisher?.height ?? 0;
    this.sources = publish === undefined ? [] : [openS3Source(publish, 'publish')];
  }

  /**
   * The vote record when it lies here. One that is missing is accepted only from a validator that has never lived: neither
   * on this disk nor, where that may vanish, in the journal.
   */
  async voteRecord(isNewHere: boolean): Promise<VoteRecord | undefined> {
    const [record, client] = [recordOf(this.config), this.table];
    if (record === undefined || client === undefined) return undefined;
    const { scope: key, persistence } = this;
    const create = isNewHere && (await this.journal?.isUsed()) !== true;
    return voteRecordDynamoDb({ client, table: record.table, key, create, persistence });
  }

  /**
   * Begins to publish the files of a chain, when the config says where to. Snapshots above a ledger table that this node
   * writes are not: after its disk is gone it has to begin where the table ends, or below.
   */
  publish(
    store: ChainStore,
    files: PublishedFiles,
    metrics: PrometheusMetrics | undefined,
    ledger: Pick<LedgerCopy, 'height'> | undefined,
  ): void {
    const { publish, publishEveryMs: everyMs } = this.config;
    if (publish === undefined) return;
    const { journal, log } = this;
    const publisher = new Publisher({
      ...{ crypto: nativeCrypto, store, files, clock: systemClock, log, everyMs },
      target: openS3Files(publish, 'publish', this.stopping.signal),
      snapshotsUpTo: ledger && (() => ledger.height),
      sealed: journal && ((height) => journal.forget(height, () => !this.stopping.signal.aborted)),
    });
    metrics?.gauge(
      'brop_published_height',
      'Height up to which the plain files of the chain are published; 0 before the first look.',
      () => publisher.height,
    );
    this.publisher = publisher;
    publisher.start();
  }

  /** Ends publishing. Before the node is stopped. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.publisher?.stop();
  }

  /** When the node has stopped. */
  async close(): Promise<void> {
    await this.journal?.close();
    this.table?.destroy();
  }
}

function recordOf(config: NodeConfig) {
  const record = config.role === 'validator' ? config.voteRecord : undefined;
  return record?.driver === 'dynamodb' ? record : undefined;
}
