/**
 * A token bucket per address (draft-ietf-httpapi-ratelimit-headers-10). What it protects is this node's CPU; what a
 * sender may do to the chain is limited by its quota.
 */
import type { MiddlewareHandler } from 'hono';
import type { Clock } from '../../node-core/ports/clock.ts';
import type { ApiLimits } from '../limits.ts';
import type { ApiEnv } from '../parts.ts';
import { ProblemError } from '../problem.ts';

interface Bucket {
  tokens: number;
  filledMs: number;
}

/** Buckets by address, the one used last at the end, at most `maxAddresses`. */
export class RateLimiter {
  private readonly limits: ApiLimits;
  private readonly clock: Clock;
  private readonly buckets = new Map<string, Bucket>();

  constructor(limits: ApiLimits, clock: Clock) {
    this.limits = limits;
    this.clock = clock;
  }

  get size(): number {
    return this.buckets.size;
  }

  /** Takes a request's tokens: how many are left, or that there were too few. */
  take(address: string, tokens = 1): { readonly allowed: boolean; readonly left: number } {
    const { requestsPerSecond, burst, maxAddresses } = this.limits;
    const key = addressKey(address);
    const now = this.clock.now();
    const bucket = this.buckets.get(key) ?? { tokens: burst, filledMs: now };
    this.buckets.delete(key);
    this.buckets.set(key, bucket);
    if (this.buckets.size > maxAddresses) this.buckets.delete(this.buckets.keys().next().value!);
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
  const { requestsPerSecond, burst } = limits;
  const limiter = new RateLimiter(limits, clock);
  const policy = `"address";q=${burst};w=${Math.max(1, Math.ceil(burst / requestsPerSecond))}`;
  return async (c, next) => {
    const address = c.env?.remoteAddress;
    if (requestsPerSecond === 0 || address === undefined) return next();
    const { allowed, left } = limiter.take(address);
    const seconds = Math.max(1, Math.ceil((burst - left) / requestsPerSecond));
    c.header('RateLimit-Policy', policy);
    c.header('RateLimit', `"address";r=${left};t=${allowed ? seconds : 1}`);
    if (!allowed) throw tooMany(requestsPerSecond);
    c.set('charge', (tokens) => limiter.take(address, tokens).allowed);
    return next();
  };
}

export function tooMany(requestsPerSecond: number, about = ''): ProblemError {
  return new ProblemError('TOO_MANY_REQUESTS', { detail: `${requestsPerSecond} requests per second${about}` });
}
