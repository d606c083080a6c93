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
  /** How far subscriptions have been matched. */
  matchWrites: 1,
  /** Of the indexer, besides the block's own content: heads, progress and what is subscribed. A unit is 4 KiB. */
  indexerReads: 12,
  indexerSeconds: 0.1,
  /** A line of metrics of one call of the indexer; the platform's own are left out (cdk/constructs/function.ts). */
  indexerLogBytes: 600,
  /** Votes, proposal and block to each peer, bytes. */
  bytesToPeers: 15_000,
} as const;

/**
 * One registration of evidence with a subject, one digest, media type and length, in a transaction of its own.
 * test/functions/write-units.test.ts measures what ledger and index write for it.
 */
export const RECORD = {
  transactionBytes: 425,
  /** In a full block as journals have it, packed, when each transaction has another sender. */
  journaledBytes: 200,
  /** The same in the ledger table, with its result. */
  packedBytes: 240,
  /** Row of the record and its entries: all, registrant, subject, digest, media type. */
  evidenceItems: 6,
  /** Row of the transaction and its entries: all, sender, code, type. */
  transactionItems: 5,
  /** The transaction's item in the ledger table, besides its part of the block. */
  ledgerItems: 1,
  /** The API function hands it to the node and answers 202. */
  apiSeconds: 0.05,
  indexerSeconds: 0.002,
  /** A line of the gateway's access log: the function writes nothing for a request that went well, nor does the platform. */
  accessLogBytes: 300,
  /** Bytes that stay in tables: items with their keys. */
  storedBytes: 3_500,
} as const;

/** Plain files: the log's hashes and its entries, one object each for so many leaves. */
export const LEAVES_OF_TILE = 256;

/** What comes on top, once for each record, when somebody asks for it. */
export const MORE = {
  /** From the request to the answer with the receipt; the function waits so long. */
  waitSeconds: 0.6,
  /** Looks at the place of the transaction until it is there, and what the receipt is made of, its block apart. */
  waitReads: 8,
  /** ADR 0029. */
  deliveryWrites: 8,
  deliveryMessages: 2,
  /** Receiving and deleting are requests too. */
  requestsOfMessage: 3,
  deliverySeconds: 0.3,
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
  /** Of the data at rest: DynamoDB, S3 and CloudWatch ask anew every five minutes for each table, bucket and log. */
  dataKeyRequestsPerHour: 60,
} as const;

export const VALIDATOR = { alarms: 3, balancerUnits: 0.1 } as const;

export const PROXY = {
  alarms: 10,
  /** Of the functions: cold starts, lag, failures, attempts, verdicts. And how far the ledger table is behind. */
  metrics: 13,
  /** Timers: one of the indexer, one of the deliveries. */
  sweepsPerMinute: 2,
  /** Lambda asks an empty queue with five pollers, each every 20 s. */
  queuePollsPerHour: 900,
  secrets: 1,
  interfaceEndpoints: 2,
  firewallRules: 2,
  sweepSeconds: 0.2,
  functionGb: 0.5,
  /** As of a node, for the logs of five functions and of the gateway. */
  dataKeyRequestsPerHour: 72,
} as const;

/** Each account: keys of the data and of the alarms; flow logs of what was refused. */
export const ACCOUNT = { keys: 2, flowLogGbPerMonth: 0.5 } as const;

/** How busy the chain is when a million is registered: 400 a second at the default minimum interval of 500 ms. */
export const RECORDS_PER_BLOCK = 200;
/** Digests of one batch; each batch in a block of its own. */
export const RECORDS_PER_BATCH = 1_000;
/** Of requests, as cdk/stacks/proxy.ts has it sampled. */
export const TRACED = 0.01;
