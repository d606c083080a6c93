/**
 * Token buckets: one per address for every request, and one per account for what an account does with a token
 * (draft-ietf-httpapi-ratelimit-headers-10). What they protect is this node's CPU; what a sender may do to the chain is
 * limited by its quota.
 */
import type { Context, MiddlewareHandler } from 'hono';
import type { Clock } from '../../node-core/ports/clock.ts';
import type { ApiLimits } from '../limits.ts';
import type { ApiEnv } from '../parts.ts';
import { ProblemError } from '../problem.ts';

/** What is limited: the name in the headers, the steady rate, what may come at once, and how many are remembered. */
export interface RatePolicy {
  readonly name: 'address' | 'account';
  /** 0 is no limit. */
  readonly requestsPerSecond: number;
  readonly burst: number;
  readonly maxKeys: number;
}

export function addressPolicy({ requestsPerSecond, burst, maxAddresses }: ApiLimits): RatePolicy {
  return { name: 'address', requestsPerSecond, burst, maxKeys: maxAddresses };
}

export function accountPolicy({ accountRequestsPerSecond, accountBurst, maxAccounts }: ApiLimits): RatePolicy {
  return { name: 'account', requestsPerSecond: accountRequestsPerSecond, burst: accountBurst, maxKeys: maxAccounts };
}

export function loginPolicy({ loginsPerSecond, loginBurst, maxAccounts }: ApiLimits): RatePolicy {
  return { name: 'account', requestsPerSecond: loginsPerSecond, burst: loginBurst, maxKeys: maxAccounts };
}

interface Bucket {
  tokens: number;
  filledMs: number;
}

/** Buckets by key, the one used last at the end, at most `maxKeys`. */
export class RateLimiter {
  readonly policy: RatePolicy;
  private readonly clock: Clock;
  private readonly buckets = new Map<string, Bucket>();

  constructor(policy: RatePolicy, clock: Clock) {
    this.policy = policy;
    this.clock = clock;
  }

  get size(): number {
    return this.buckets.size;
  }

  /** Takes a request's tokens: how many are left, or that there were too few. */
  take(key: string, tokens = 1): { readonly allowed: boolean; readonly left: number } {
    const { requestsPerSecond, burst, maxKeys } = this.policy;
    const now = this.clock.now();
    const bucket = this.buckets.get(key) ?? { tokens: burst, filledMs: now };
    this.buckets.delete(key);
    this.buckets.set(key, bucket);
    if (this.buckets.size > maxKeys) this.buckets.delete(this.buckets.keys().next().value!);
    const earned = (Math.max(0, now - bucket.filledMs) * requestsPerSecond) / 1_000;
    bucket.tokens = Math.min(burst, bucket.tokens + earned);
    bucket.filledMs = now;
    const allowed = bucket.tokens >= tokens;
    if (allowed) bucket.tokens -= tokens;
    return { allowed, left: Math.floor(bucket.tokens) };
  }
}

/** An IPv6 host has a whole /64 to itself; an IPv4 address may come in its mapped form. */
export function addressKey(address: string): string {
  const lower = address.toLowerCase().slice(0, 64);
  if (!lower.includes(':')) return lower;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(lower);
  if (mapped !== null) return mapped[1]!;
  const [head = '', tail] = lower.split('::');
  const groups = head === '' ? [] : head.split(':');
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length);
  const all = [...groups, ...Array<string>(Math.max(0, missing)).fill('0'), ...(tail ? tail.split(':') : [])];
  return `${all.slice(0, 4).join(':')}::/64`;
}

/** Answers 429 with code 4029 when the address has no token left. */
export function rateLimit(limits: ApiLimits, clock: Clock): MiddlewareHandler<ApiEnv> {
  const limiter = new RateLimiter(addressPolicy(limits), clock);
  return async (c, next) => {
    const address = c.env?.remoteAddress;
    if (address === undefined) return next();
    const key = addressKey(address);
    if (!setRateLimit(c, limiter, key)) return next();
    c.set('charge', (tokens) => limiter.take(key, tokens).allowed);
    return next();
  };
}

/**
 * Takes one token of `key` and says so in the headers, beside what another limit has said there: each field is a list.
 * @returns whether there is such a limit at all.
 * @throws {ProblemError} TOO_MANY_REQUESTS
 */
export function setRateLimit(c: Context<ApiEnv>, limiter: RateLimiter, key: string): boolean {
  const { name, requestsPerSecond, burst } = limiter.policy;
  if (requestsPerSecond === 0) return false;
  const { allowed, left } = limiter.take(key);
  const seconds = Math.max(1, Math.ceil((burst - left) / requestsPerSecond));
  const window = Math.max(1, Math.ceil(burst / requestsPerSecond));
  c.header('RateLimit-Policy', `"${name}";q=${burst};w=${window}`, { append: true });
  c.header('RateLimit', `"${name}";r=${left};t=${allowed ? seconds : 1}`, { append: true });
  if (!allowed) throw tooMany(requestsPerSecond, ` of one ${name}`);
  return true;
}

export function tooMany(requestsPerSecond: number, about = ''): ProblemError {
  return new ProblemError('TOO_MANY_REQUESTS', { detail: `${requestsPerSecond} requests per second${about}` });
}
