import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../limits.ts';
import { addressKey, addressPolicy, RateLimiter } from './rate-limit.ts';

function limiter(limits: Partial<typeof DEFAULT_LIMITS>) {
  const time = { ms: 0 };
  const clock = { now: () => time.ms, schedule: () => () => {} };
  return { made: new RateLimiter(addressPolicy({ ...DEFAULT_LIMITS, ...limits }), clock), time };
}

describe('RateLimiter', () => {
  it('lets the steady rate through for ever, and no more', () => {
    const { made, time } = limiter({ requestsPerSecond: 200, burst: 400 });
    let passed = 0;
    for (let second = 0; second < 10; second++) {
      for (let i = 0; i < 1_000; i++) {
        time.ms += 1;
        if (made.take('a').allowed) passed += 1;
      }
    }
    expect(passed).toBeGreaterThanOrEqual(2_390);
    expect(passed).toBeLessThanOrEqual(2_400);
  });

  it('a clock that steps back gives and takes nothing', () => {
    const { made, time } = limiter({ requestsPerSecond: 1, burst: 1 });
    expect(made.take('a').allowed).toBe(true);
    time.ms = -1_000_000;
    expect(made.take('a').allowed).toBe(false);
  });

  it('remembers no more addresses than its bound, and forgets who was quiet for longest', () => {
    const { made } = limiter({ requestsPerSecond: 1, burst: 1, maxAddresses: 100 });
    made.take('busy');
    for (let i = 0; i < 10_000; i++) {
      made.take(`10.0.${i >> 8}.${i & 255}`);
      expect(made.take('busy').allowed).toBe(false);
    }
    expect(made.size).toBe(100);
  });

  it.each([
    ['2001:db8::1', '2001:db8:0:0:ffff::9', true],
    ['2001:DB8:0:0:1::', '2001:db8::5', true],
    ['2001:db8:0:1::1', '2001:db8::1', false],
    ['::ffff:192.0.2.1', '192.0.2.1', true],
    ['192.0.2.1', '192.0.2.2', false],
    ['::1', '::2', true],
  ])('%s and %s share a bucket: %s', (a, b, shared) => {
    const { made } = limiter({ requestsPerSecond: 1, burst: 1 });
    made.take(addressKey(a));
    expect(made.take(addressKey(b)).allowed).toBe(!shared);
  });
});
