import type { Counters, Durations } from '../../node-core/ports/metrics.ts';

export interface Entry<L = string | null> {
  readonly help: string;
  /** Name of its one label; null where it has none. */
  readonly label: string | null;
  /** Values of the label that show from the start on, at 0, so that `increase` sees the first step too. */
  readonly values: readonly L[];
}

export const COUNTERS: { readonly [N in keyof Counters]: Entry<Counters[N]> } = {
  brop_transactions_total: {
    help: 'Transactions in final blocks, applied or rejected.',
    label: 'result',
    values: ['applied', 'rejected'],
  },
  brop_operations_total: { help: 'Operations of the transactions in final blocks.', label: null, values: [] },
  brop_blocks_total: {
    help: 'Blocks that became final here, by where they came from.',
    label: 'source',
    values: ['consensus', 'peers', 'files', 'journal'],
  },
  brop_transactions_refused_total: {
    help: 'Transactions that were not let into the mempool, by the name of the code.',
    label: 'code',
    values: [],
  },
  brop_rounds_total: { help: 'Rounds above 0 that were entered.', label: null, values: [] },
  brop_proposals_total: {
    help: 'Proposals built here, and those of others as they were judged.',
    label: 'outcome',
    values: ['built', 'valid', 'invalid', 'untimely', 'misplaced'],
  },
  brop_votes_cast_total: { help: 'Votes that this validator signed.', label: 'type', values: ['prevote', 'precommit'] },
  brop_votes_received_total: { help: 'Votes of others for the height being decided.', label: null, values: [] },
};

export interface DurationEntry<L = string | null> extends Entry<L> {
  /** Upper bounds in seconds. */
  readonly buckets: readonly number[];
}

const SHORT = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const LONG = [0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 10, 20, 30, 60];

export const DURATIONS: { readonly [N in keyof Durations]: DurationEntry<Durations[N]> } = {
  brop_block_interval_seconds: {
    help: "From one block's time to the next one's.",
    label: null,
    values: [],
    buckets: LONG,
  },
  brop_execution_seconds: {
    help: 'Execution of a proposed block.',
    label: 'kind',
    values: ['build', 'judge'],
    buckets: SHORT,
  },
  brop_consensus_seconds: {
    help: 'From a proposal that was executed here to its decision.',
    label: null,
    values: [],
    buckets: [...SHORT, 5, 10],
  },
  brop_commit_seconds: { help: 'The durable write of a final block.', label: null, values: [], buckets: SHORT },
  brop_vote_record_write_seconds: {
    help: 'The durable write before a signature leaves.',
    label: null,
    values: [],
    buckets: [0.0001, 0.00025, 0.0005, ...SHORT],
  },
  brop_signature_check_seconds: {
    help: 'One call to check signatures, the wait for a worker included.',
    label: null,
    values: [],
    buckets: [0.0001, 0.00025, 0.0005, ...SHORT],
  },
};
