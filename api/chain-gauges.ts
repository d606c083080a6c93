/** What the chain's status says, as gauges: read when they are scraped, never before. Nothing of HTTP in here. */
import { Gauge, type Registry } from 'prom-client';
import type { ChainAccess, ChainStatus } from '../node-core/ports/chain-access.ts';
import type { Clock } from '../node-core/ports/clock.ts';

type Reading = readonly [name: string, help: string, read: (status: ChainStatus) => number];

const readings = (clock: Clock): readonly Reading[] => [
  ['brop_height', 'Height of the newest block.', (s) => s.height],
  ['brop_block_age_seconds', 'Age of the newest block.', (s) => Math.max(0, clock.now() - s.timeMs) / 1_000],
  ['brop_block_time_seconds', 'Time of the newest block, seconds since 1970 UTC.', (s) => s.timeMs / 1_000],
  ['brop_log_size', 'Entries of the log.', (s) => s.logSize],
  ['brop_peers', 'Connected peers.', (s) => s.peers],
  ['brop_best_peer_height', 'Highest block that a peer says it has.', (s) => s.bestPeerHeight],
  ['brop_pending_transactions', 'Transactions that wait to be packed.', (s) => s.pending.transactions],
  ['brop_pending_bytes', 'Bytes of the transactions that wait to be packed.', (s) => s.pending.bytes],
  ['brop_consensus_round', 'Round of the height being decided; -1 in a follower.', (s) => s.consensus?.round ?? -1],
  ['brop_validators', 'Validators of the set in force.', (s) => s.validators.length],
  [
    'brop_equivocations',
    'Pieces of evidence, kept here, that validators have contradicted themselves.',
    (s) => s.equivocations.count,
  ],
  [
    'brop_standby_signers',
    'Validators whose newest signature under a block is by their standby key.',
    (s) => s.standbySigners.length,
  ],
];

export function registerChainGauges(registry: Registry, chain: Pick<ChainAccess, 'status'>, clock: Clock): void {
  // All gauges of one scrape share one answer.
  let current: Promise<ChainStatus> | null = null;
  const status = () => {
    current ??= chain.status().finally(() => {
      current = null;
    });
    return current;
  };
  for (const [name, help, read] of readings(clock)) {
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        this.set(read(await status()));
      },
    });
  }
}
