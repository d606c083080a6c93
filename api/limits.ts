/** Every bound of the API, in one place. api/README.md has the table for people. */
import { MAX_TRANSACTION_BYTES } from '../node-core/chain/transaction.ts';

export interface ApiLimits {
  /** Steady requests per second of one address; 0 turns the limit off. */
  readonly requestsPerSecond: number;
  /** Requests that an address may make at once after a pause. */
  readonly burst: number;
  /** Addresses that are remembered; beyond it the one that was quiet for longest is forgotten. */
  readonly maxAddresses: number;
  /** Longest URL, in characters. */
  readonly maxUrlLength: number;
  /** Requests that wait for finality at the same time; further ones are answered 202 at once. */
  readonly maxWaiting: number;
}

export const DEFAULT_LIMITS: ApiLimits = {
  requestsPerSecond: 200,
  burst: 400,
  maxAddresses: 10_000,
  maxUrlLength: 4_096,
  maxWaiting: 2_000,
};

/** Body of `application/cose`: exactly one transaction. */
export const MAX_COSE_BODY_BYTES = MAX_TRANSACTION_BYTES;
/**
 * Body of `application/json`: base64url of a transaction is 87,380 characters. There is room for one that is a little
 * too long, so that it gets the code of a transaction that is too long.
 */
export const MAX_JSON_BODY_BYTES = 90_000;
/** Bounds of `Prefer: wait`, in seconds. Longer wishes are granted up to the bound. */
export const MAX_WAIT_SECONDS = 30;
