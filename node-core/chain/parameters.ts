/** Chain parameters, fixed by the genesis until governance changes them. All integers; times in milliseconds. */
import { type Infer, record, uint } from '../codec/schema.ts';
import { quotaGrant } from './account.ts';

const points = uint({ max: 1_000_000_000 });

export const priceList = record({
  /** Points for each operation. */
  operation: points,
  /** Points for each byte of the transaction. */
  byte: points,
  /** Points for each state entry that the transaction can add. */
  stateEntry: points,
  /** Points for the check of one signature, by suite. */
  p256: points,
  ed25519: points,
  sm2: points,
  /** Points for each 1,000 heights, or part of them, between inclusion and expiry. */
  expiryDistance: points,
});
export type PriceList = Infer<typeof priceList>;

export const parameters = record({
  blockIntervalMs: uint({ min: 1, max: 3_600_000 }),
  minBlockIntervalMs: uint({ min: 1, max: 3_600_000 }),
  /** Furthest expiry ahead, in heights. */
  expiryWindow: uint({ min: 1, max: 10_000_000 }),
  /** How many heights a nonce is kept after its expiry; during them an expiry certificate can be had. */
  nonceRetention: uint({ min: 1, max: 10_000_000 }),
  /** Header, transactions and their heads. The least leaves room for the longest transaction. */
  maxBlockBytes: uint({ min: 70_000, max: 6_000_000 }),
  maxBlockTransactions: uint({ min: 1, max: 10_000 }),
  /** Most nonces removed in one block; not below maxBlockTransactions, so that removal keeps up. */
  maxPruned: uint({ min: 1, max: 40_000 }),
  /** Proposer-based time: clock precision and message delay. */
  precisionMs: uint({ min: 1, max: 600_000 }),
  messageDelayMs: uint({ min: 1, max: 600_000 }),
  timeoutProposeMs: uint({ min: 1, max: 600_000 }),
  timeoutVoteMs: uint({ min: 1, max: 600_000 }),
  timeoutDeltaMs: uint({ min: 1, max: 600_000 }),
  prices: priceList,
  /** Quota of each certified user. */
  userQuota: quotaGrant,
});
export type Parameters = Infer<typeof parameters>;

export const DEFAULT_PARAMETERS: Parameters = {
  blockIntervalMs: 3_000,
  minBlockIntervalMs: 500,
  expiryWindow: 14_400,
  nonceRetention: 1_200,
  maxBlockBytes: 2_000_000,
  maxBlockTransactions: 5_000,
  maxPruned: 10_000,
  precisionMs: 500,
  messageDelayMs: 2_000,
  timeoutProposeMs: 1_000,
  timeoutVoteMs: 500,
  timeoutDeltaMs: 250,
  prices: { operation: 100, byte: 1, stateEntry: 50, p256: 50, ed25519: 50, sm2: 2_000, expiryDistance: 10 },
  userQuota: { max: 100_000, periodMs: 86_400_000 },
};
