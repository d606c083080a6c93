/** Every bound of the API, in one place. api/README.md has the table for people. */
import { MAX_TRANSACTION_BYTES } from '../node-core/chain/transaction.ts';

export interface ApiLimits {
  /** Steady requests per second of one address; 0 turns the limit off. */
  readonly requestsPerSecond: number;
  /** Requests that an address may make at once after a pause. */
  readonly burst: number;
  /** Addresses that are remembered; beyond it the one that was quiet for longest is forgotten. */
  readonly maxAddresses: number;
  /** Steady requests per second that an account makes with its tokens, whatever addresses they come from; 0: no limit. */
  readonly accountRequestsPerSecond: number;
  readonly accountBurst: number;
  /** Accounts that are remembered for it. */
  readonly maxAccounts: number;
  /** Tokens that an account is given in a second, steadily; 0: no limit. So no account fills the memory of used challenges. */
  readonly loginsPerSecond: number;
  readonly loginBurst: number;
  /** Challenges that were answered and have not expired; further logins are refused until some have. */
  readonly maxLogins: number;
  /** Longest URL, in characters. */
  readonly maxUrlLength: number;
  /** Submissions whose bodies are being read or checked at the same time, and the bytes that these may have. */
  readonly maxSubmissions: number;
  readonly maxSubmissionBytes: number;
  /** Requests that wait for finality at the same time; further ones are answered 202 at once. */
  readonly maxWaiting: number;
  /** Plain files that are being sent at the same time, each with up to 1 MiB in memory; further ones are refused. */
  readonly maxFiles: number;
  /** Of these, to one address. */
  readonly maxFilesOfOne: number;
  /** Streams of events that are open at the same time, and those to one address. */
  readonly maxStreams: number;
  readonly maxStreamsOfOne: number;
  /** After so long, or so many bytes, a stream ends, and its client comes back with `Last-Event-ID`. */
  readonly maxStreamMs: number;
  readonly maxStreamBytes: number;
}

export const DEFAULT_LIMITS: ApiLimits = {
  requestsPerSecond: 200,
  burst: 400,
  maxAddresses: 10_000,
  accountRequestsPerSecond: 20,
  accountBurst: 40,
  maxAccounts: 10_000,
  loginsPerSecond: 1,
  loginBurst: 20,
  maxLogins: 10_000,
  maxUrlLength: 4_096,
  maxSubmissions: 512,
  maxSubmissionBytes: 16 << 20,
  maxWaiting: 2_000,
  maxFiles: 64,
  maxFilesOfOne: 16,
  maxStreams: 256,
  maxStreamsOfOne: 16,
  maxStreamMs: Number.POSITIVE_INFINITY,
  maxStreamBytes: Number.POSITIVE_INFINITY,
};

/** Body of `application/cose`: exactly one transaction. */
export const MAX_COSE_BODY_BYTES = MAX_TRANSACTION_BYTES;
/**
 * Body of `application/json`: base64url of a transaction is 87,380 characters. There is room for one that is a little
 * too long, so that it gets the code of a transaction that is too long.
 */
export const MAX_JSON_BODY_BYTES = 90_000;
/** So many transactions of a batch cost a node as much as one request. */
export const BATCHED_PER_REQUEST = 5;
/** Bounds of `Prefer: wait`, in seconds. Longer wishes are granted up to the bound. */
export const MAX_WAIT_SECONDS = 30;
