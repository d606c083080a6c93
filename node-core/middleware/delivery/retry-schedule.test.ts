import { expect, it } from 'vitest';
import { RETRY_DELAYS_SECONDS, retryDelayMs } from './retry-schedule.ts';

const HOUR_MS = 3_600_000;

it('is the schedule of the specification: ten attempts within 75:35:05', () => {
  const starts = [0];
  for (let attempt = 1; retryDelayMs(attempt, 0, 0) !== null; attempt++)
    starts.push(starts.at(-1)! + retryDelayMs(attempt, 0, 0)!);
  const clock = (ms: number) => new Date(ms).toISOString().slice(11, 19);
  expect(starts).toHaveLength(10);
  expect(starts.slice(0, 7).map(clock)).toEqual([
    ...['00:00:00', '00:00:05', '00:05:05', '00:35:05', '02:35:05', '07:35:05', '17:35:05'],
  ]);
  expect(starts.slice(7)).toEqual([31, 51, 75].map((hours) => hours * HOUR_MS + (35 * 60 + 5) * 1_000));
});

it('jitter makes it up to a tenth later, never earlier', () => {
  for (const [index, seconds] of RETRY_DELAYS_SECONDS.entries()) {
    expect(retryDelayMs(index + 1, 0, 0)).toBe(seconds * 1_000);
    expect(retryDelayMs(index + 1, 0, 0.999)).toBeGreaterThan(seconds * 1_000);
    expect(retryDelayMs(index + 1, 0, 0.999)).toBeLessThanOrEqual(seconds * 1_100);
  }
});

it('waits for Retry-After when that is longer, up to a day', () => {
  expect(retryDelayMs(1, 60, 0)).toBe(60_000);
  expect(retryDelayMs(2, 60, 0)).toBe(300_000);
  expect(retryDelayMs(1, 7 * 86_400, 0)).toBe(24 * HOUR_MS);
});
