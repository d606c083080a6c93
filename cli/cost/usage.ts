/**
 * How much of what AWS bills a network uses: counted from the code where it says so, estimated elsewhere. Tests hold the
 * counts to the code.
 */

export const HOURS_PER_MONTH = 730;
export const SECONDS_PER_MONTH = HOURS_PER_MONTH * 3_600;

/** A write unit of DynamoDB is 1 KiB, each item rounded up; one that is forgotten costs the same again. */
export const BLOCK = {
  /** A prevote and a precommit of each validator; the proposal is the proposer's. */
  votesOfEach: 2,
  proposals: 1,
  /** The vote record: one item of one to two KiB, written before each signature. */
  writesOfVote: 2,
  /** The journal of an empty block: the proposal and the commit with its certificate, put and forgotten. */
  journalWrites: 6,
  /** The proxy's ledger: block, head, and what the head's status holds. */
  ledgerWrites: 4,
  /** The index: row and entries of the block, and the progress. */
  indexWrites: 7,
  indexerSeconds: 0.1,
  /** Votes, proposal and block to each peer, bytes. */
  bytesToPeers: 15_000,
} as const;

/** One registration of evidence with a subject and one digest, in a transaction of its own. */
export const RECORD = {
  /** Measured: docs/performance.md. */
  transactionBytes: 338,
  resultBytes: 64,
  /** Row of the record and its entries: all, registrant, subject, digest. */
  evidenceItems: 5,
  /** Row of the transaction and its entries: all, sender, code, type. */
  transactionItems: 5,
  /** The transaction's item in the ledger table, besides its part of the block. */
  ledgerItems: 1,
  /** The API function hands it to the node and answers 202. */
  apiSeconds: 0.05,
  indexerSeconds: 0.002,
  accessLogBytes: 300,
  /** Bytes that stay in tables: items with their keys. */
  storedBytes: 3_500,
} as const;

export const NODE = {
  /** The node publishes its files once a minute, when there is something new. */
  publicationSeconds: 60,
  /** anchor, checkpoint, and the tiles and parts at the end of the log. */
  putsOfPublication: 6,
  logGbPerMonth: 0.1,
  metrics: 6,
  alarms: 2,
  secrets: 2,
  /** Of the data at rest: DynamoDB and S3 ask anew every five minutes for each table and bucket. */
  dataKeyRequestsPerHour: 48,
} as const;

export const VALIDATOR = { alarms: 3, balancerUnits: 0.1 } as const;

export const PROXY = {
  alarms: 9,
  secrets: 1,
  interfaceEndpoints: 2,
  firewallRules: 2,
  sweepSeconds: 0.2,
  functionGb: 0.5,
} as const;

/** Each account: keys of the data and of the alarms; flow logs of what was refused. */
export const ACCOUNT = { keys: 2, flowLogGbPerMonth: 0.5 } as const;

/** How busy the chain is when a million is registered: 400 a second at the default minimum interval of 500 ms. */
export const RECORDS_PER_BLOCK = 200;
/** Digests of one batch; each batch in a block of its own. */
export const RECORDS_PER_BATCH = 1_000;
/** Of requests, as cdk/stacks/proxy.ts has it sampled. */
export const TRACED = 0.01;
