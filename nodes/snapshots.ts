/** What the config of a node says about snapshots: what an empty store begins from, and when one is written. */
import { nativeCrypto } from '../adapters/crypto-native/native.ts';
import { systemClock } from '../adapters/system/clock.ts';
import type { Genesis } from '../node-core/chain/genesis.ts';
import type { Blobs } from '../node-core/ports/blobs.ts';
import type { KeyValueStore } from '../node-core/ports/key-value-store.ts';
import type { Log } from '../node-core/ports/log.ts';
import { holdsChain } from '../node-core/runtime/chain-rows.ts';
import type { ChainStore } from '../node-core/runtime/chain-store.ts';
import type { FileSource } from '../node-core/runtime/file-sync.ts';
import { joinFromSnapshot } from '../node-core/runtime/snapshot-join.ts';
import { SnapshotWriter } from '../node-core/runtime/snapshot-write.ts';
import type { NodeConfig } from './config.ts';

/** Takes a store without a chain to the newest snapshot that the sources have, when the config wants that. */
export async function beginFromSnapshot(
  config: NodeConfig,
  kv: KeyValueStore,
  genesis: Genesis,
  sources: readonly FileSource[],
  log: Log,
): Promise<void> {
  if (config.join !== 'snapshot' || sources.length === 0 || holdsChain(kv)) return;
  const upTo = await firstWanted(config, log);
  const height = await joinFromSnapshot({ crypto: nativeCrypto, kv, genesis, sources, upTo, clock: systemClock, log });
  if (height === null) log.warn('no source has a snapshot that holds: all blocks are executed from the genesis');
  else log.info('the store begins at a snapshot', { height });
}

/** Where the ledger table ends that this node writes: who begins above it could never write what comes next. */
async function firstWanted(config: NodeConfig, log: Log): Promise<number | undefined> {
  if (config.role !== 'follower' || config.ledgerTable === undefined) return undefined;
  const { ledgerTableHeight } = await import('./aws/ledger.ts');
  return ledgerTableHeight(config.ledgerTable, log);
}

export function snapshotWriter(config: NodeConfig, store: ChainStore, blobs: Blobs, log: Log): SnapshotWriter {
  return new SnapshotWriter({ crypto: nativeCrypto, store, blobs, clock: systemClock }, config.snapshots, log);
}
