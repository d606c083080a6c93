/**
 * Quota points (design: `q(t) = min(Qmax, q(t0) + ⌊(t − t0)·Qmax/P⌋)`, t in block time, the remainder kept). Points
 * are for the use of the platform alone: never negative, never transferred.
 */
import type { QuotaGrant } from '../chain/account.ts';
import type { PriceList } from '../chain/parameters.ts';
import { decode, encode } from '../codec/cbor.ts';
import { tuple, uint } from '../codec/schema.ts';
import type { SuiteName } from '../crypto/provider.ts';

/** [points, remainder of the division, block time in ms at which both held]. */
const quotaSchema = tuple(uint(), uint(), uint());

export interface Quota {
  readonly points: number;
  readonly remainder: number;
  readonly timeMs: number;
}

export function encodeQuota(quota: Quota): Uint8Array {
  return encode(quotaSchema.encode([quota.points, quota.remainder, quota.timeMs]));
}

export function decodeQuota(bytes: Uint8Array): Quota {
  const [points, remainder, timeMs] = quotaSchema.decode(decode(bytes), 'quota');
  return { points, remainder, timeMs };
}

/** @throws {Error} when the points do not cover the cost: admission has let through what it must not. */
export function spend(quota: Quota, cost: number): Quota {
  if (cost > quota.points) throw new Error('a charge beyond the quota');
  return { ...quota, points: quota.points - cost };
}

/** A new account starts with all its points. */
export function fullQuota(grant: QuotaGrant, timeMs: number): Quota {
  return { points: grant.max, remainder: 0, timeMs };
}

/**
 * The quota at a later block time, exactly: points + remainder / periodMs is the rational number of the formula. Full
 * quota keeps no remainder, time at the cap earns nothing. In bigints: the product passes 2^53.
 */
export function quotaAt(quota: Quota, grant: QuotaGrant, timeMs: number): Quota {
  const elapsed = timeMs - quota.timeMs;
  if (elapsed <= 0) return quota;
  const period = BigInt(grant.periodMs);
  const earned = BigInt(elapsed) * BigInt(grant.max) + BigInt(quota.remainder);
  const points = BigInt(quota.points) + earned / period;
  if (points >= BigInt(grant.max)) return { points: grant.max, remainder: 0, timeMs };
  return { points: Number(points), remainder: Number(earned % period), timeMs };
}

export interface CostInput {
  readonly operations: number;
  readonly bytes: number;
  /** Most state entries that the transaction can add, its nonce included. */
  readonly stateEntries: number;
  readonly suite: SuiteName;
  /** Heights from inclusion to expiry. */
  readonly expiryDistance: number;
}

const DISTANCE_STEP = 1_000;

/**
 * What a transaction costs, in points. The same for a dry run, at admission and at inclusion in the same height. Below
 * 2^47 with the dearest prices that parameters allow and the largest transaction: safe integers throughout.
 */
export function costOf(prices: PriceList, input: CostInput): number {
  return (
    prices.operation * input.operations +
    prices.byte * input.bytes +
    prices.stateEntry * input.stateEntries +
    prices[input.suite] +
    prices.expiryDistance * startedSteps(input.expiryDistance)
  );
}

/** In whole numbers: consensus does without floating point even where it would be harmless. */
function startedSteps(distance: number): number {
  const rest = distance % DISTANCE_STEP;
  return (distance - rest) / DISTANCE_STEP + (rest === 0 ? 0 : 1);
}
