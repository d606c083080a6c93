import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DEFAULT_PARAMETERS, type PriceList, parameters, priceList } from '../chain/parameters.ts';
import { costOf, decodeQuota, encodeQuota, fullQuota, type Quota, quotaAt, spend } from './quota.ts';

const MAX_GRANT = 1_000_000_000_000;
const MAX_PERIOD = 366 * 86_400_000;
const grant = fc.record({
  max: fc.oneof(fc.nat({ max: 50 }), fc.integer({ min: 0, max: MAX_GRANT })),
  periodMs: fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: MAX_PERIOD })),
});
/** Time passes, then something is spent: a share of what there is, in thousandths. */
const steps = fc.array(
  fc.record({ ms: fc.oneof(fc.nat({ max: 100 }), fc.nat({ max: 10 * MAX_PERIOD })), share: fc.nat({ max: 1_000 }) }),
  { maxLength: 30 },
);

describe('quota against exact rational numbers', () => {
  test('min(max, q + Δt·max/P), spent in whole points, over any steps (property)', () => {
    fc.assert(
      fc.property(grant, steps, (allowed, way) => {
        const period = BigInt(allowed.periodMs);
        const max = BigInt(allowed.max);
        // The model: an exact numerator over the period.
        let exact = max * period;
        let timeMs = 1_760_000_000_000;
        let quota = fullQuota(allowed, timeMs);
        for (const { ms, share } of way) {
          timeMs += ms;
          exact += BigInt(ms) * max;
          if (exact > max * period) exact = max * period;
          quota = quotaAt(quota, allowed, timeMs);
          expect(BigInt(quota.points) * period + BigInt(quota.remainder)).toBe(exact);
          expect(quota.remainder).toBeLessThan(allowed.periodMs);
          const cost = Math.floor((quota.points * share) / 1_000);
          quota = spend(quota, cost);
          exact -= BigInt(cost) * period;
          expect(quota.points).toBeGreaterThanOrEqual(0);
          expect(decodeQuota(encodeQuota(quota))).toEqual(quota);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('many small steps earn exactly what one large step earns (property)', () => {
    fc.assert(
      fc.property(grant, fc.array(fc.integer({ min: 1, max: 1_000 }), { maxLength: 40 }), (allowed, parts) => {
        const start: Quota = { points: 0, remainder: 0, timeMs: 0 };
        let stepped = start;
        let timeMs = 0;
        for (const ms of parts) {
          timeMs += ms;
          stepped = quotaAt(stepped, allowed, timeMs);
        }
        expect(stepped).toEqual(quotaAt(start, allowed, timeMs));
      }),
    );
  });

  test('the example of docs/spec/execution.md', () => {
    const allowed = { max: 1_000, periodMs: 86_400_000 };
    const spent = spend(fullQuota(allowed, 0), 600);
    expect(spent).toEqual({ points: 400, remainder: 0, timeMs: 0 });
    // 3,600,000 ms · 1000 / 86,400,000 = 41 + 57,600,000 / 86,400,000.
    expect(quotaAt(spent, allowed, 3_600_000)).toEqual({ points: 441, remainder: 57_600_000, timeMs: 3_600_000 });
    expect(quotaAt(quotaAt(spent, allowed, 3_600_000), allowed, 7_200_000)).toEqual({
      points: 483,
      remainder: 28_800_000,
      timeMs: 7_200_000,
    });
    expect(quotaAt(spent, allowed, 86_400_000)).toEqual({ points: 1_000, remainder: 0, timeMs: 86_400_000 });
  });

  test('products beyond 2^53 stay exact', () => {
    const allowed = { max: MAX_GRANT, periodMs: MAX_PERIOD };
    const { points, remainder } = quotaAt({ points: 1, remainder: 7, timeMs: 0 }, allowed, MAX_PERIOD - 1);
    const earned = BigInt(MAX_PERIOD - 1) * BigInt(MAX_GRANT) + 7n;
    expect([BigInt(points), BigInt(remainder)]).toEqual([
      1n + earned / BigInt(MAX_PERIOD),
      earned % BigInt(MAX_PERIOD),
    ]);
  });

  test('time that does not pass earns nothing', () => {
    const quota = { points: 5, remainder: 3, timeMs: 100 };
    expect(quotaAt(quota, { max: 10, periodMs: 10 }, 100)).toEqual(quota);
    expect(quotaAt(quota, { max: 10, periodMs: 10 }, 99)).toEqual(quota);
  });

  test('a charge beyond the points is a bug, not a debt', () => {
    const quota = { points: 5, remainder: 3, timeMs: 100 };
    expect(spend(quota, 5).points).toBe(0);
    expect(() => spend(quota, 6)).toThrow('beyond the quota');
    expect(() => encodeQuota({ ...quota, points: -1 })).toThrow();
  });
});

describe('cost', () => {
  const price = fc.integer({ min: 0, max: 1_000_000_000 });
  const prices: fc.Arbitrary<PriceList> = fc.record({
    operation: price,
    byte: price,
    stateEntry: price,
    p256: price,
    ed25519: price,
    sm2: price,
    expiryDistance: price,
  });
  const input = fc.record({
    operations: fc.integer({ min: 1, max: 64 }),
    bytes: fc.integer({ min: 1, max: 65_535 }),
    stateEntries: fc.integer({ min: 1, max: 257 }),
    suite: fc.constantFrom('p256', 'ed25519', 'sm2'),
    expiryDistance: fc.integer({ min: 0, max: 10_000_000 }),
  });

  test('is the sum in the spec, in exact integers (property)', () => {
    fc.assert(
      fc.property(prices, input, (list, of) => {
        const exact =
          BigInt(list.operation) * BigInt(of.operations) +
          BigInt(list.byte) * BigInt(of.bytes) +
          BigInt(list.stateEntry) * BigInt(of.stateEntries) +
          BigInt(list[of.suite]) +
          BigInt(list.expiryDistance) * ((BigInt(of.expiryDistance) + 999n) / 1_000n);
        expect(BigInt(costOf(list, of))).toBe(exact);
      }),
      { numRuns: 1_000 },
    );
  });

  test('stays a safe integer with the dearest prices and the largest transaction', () => {
    const dearest = Object.fromEntries(Object.keys(DEFAULT_PARAMETERS.prices).map((name) => [name, 1_000_000_000]));
    const most = {
      operations: 64,
      bytes: 65_535,
      stateEntries: 257,
      suite: 'sm2',
      expiryDistance: 10_000_000,
    } as const;
    expect(() => priceList.encode(dearest as PriceList)).not.toThrow();
    const cost = costOf(dearest as PriceList, most);
    expect(Number.isSafeInteger(cost) && cost < 2 ** 47).toBe(true);
    // The bound above is the bound of the schema.
    expect(() => parameters.encode({ ...DEFAULT_PARAMETERS, expiryWindow: 10_000_001 })).toThrow();
  });

  test.each([
    [0, 0],
    [1, 1],
    [999, 1],
    [1_000, 1],
    [1_001, 2],
    [10_000_000, 10_000],
  ])('a distance of %i heights counts as %i steps', (expiryDistance, expected) => {
    const free = { operation: 0, byte: 0, stateEntry: 0, p256: 0, ed25519: 0, sm2: 0, expiryDistance: 1 };
    expect(costOf(free, { operations: 1, bytes: 1, stateEntries: 1, suite: 'p256', expiryDistance })).toBe(expected);
  });
});
