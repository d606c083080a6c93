import type { CodeName } from '../chain/codes.ts';

/** What is counted, and which values its one label takes; null where there is no label. */
export interface Counters {
  /** Packed in final blocks: `applied`, or `rejected` by a business rule. */
  brop_transactions_total: 'applied' | 'rejected';
  brop_operations_total: null;
  /** Blocks that became final here, by where they came from. */
  brop_blocks_total: BlockSource;
  /** Transactions that were refused on their way into the mempool, by code. */
  brop_transactions_refused_total: CodeName;
  /** Rounds above 0 that were entered. */
  brop_rounds_total: null;
  brop_proposals_total: ProposalOutcome;
  /** Votes that this validator signed. */
  brop_votes_cast_total: 'prevote' | 'precommit';
  /** Votes of others that came in for the height being decided. */
  brop_votes_received_total: null;
}

/** Decided with others, or taken from what was decided: from peers, plain files, or the node's own journal. */
export type BlockSource = 'consensus' | 'peers' | 'files' | 'journal';
/** Built here; or of another validator and judged here. `misplaced` names another round or proposer than its own. */
export type ProposalOutcome = 'built' | 'valid' | 'invalid' | 'untimely' | 'misplaced';

/** Durations, and the values of their one label; null where there is no label. */
export interface Durations {
  /** From one block's time to the next one's. */
  brop_block_interval_seconds: null;
  /** Execution of a block, with the checks of its transactions. */
  brop_execution_seconds: 'build' | 'judge';
  /** From a proposal that was built or judged here to its decision. */
  brop_consensus_seconds: null;
  /** The durable write that makes a block part of the chain. */
  brop_commit_seconds: null;
  /** The durable write before a signature leaves. */
  brop_vote_record_write_seconds: null;
  /** One call to check signatures, the wait for a worker included. */
  brop_signature_check_seconds: null;
}

/**
 * Where a node reports what it does. Names are those that Prometheus shows (docs/monitoring/metrics.md). What can be
 * read off a node at any time is not reported here: the composition root reads it when somebody asks.
 */
export interface Metrics {
  count<N extends keyof Counters>(name: N, label: Counters[N], by?: number): void;
  observe<N extends keyof Durations>(name: N, label: Durations[N], ms: number): void;
}
