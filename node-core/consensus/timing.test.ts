import { expect, test } from 'vitest';
import { isTimely, timeoutMs } from './index.ts';
import { delayMs } from './timing.ts';

test('timeouts grow by the same step in each round', () => {
  const parameters = { timeoutProposeMs: 3_000, timeoutVoteMs: 1_000, timeoutDeltaMs: 500 };
  expect([0, 1, 10].map((round) => timeoutMs(parameters, 'propose', round))).toEqual([3_000, 3_500, 8_000]);
  expect([0, 1, 10].map((round) => timeoutMs(parameters, 'prevote', round))).toEqual([1_000, 1_500, 6_000]);
  expect(timeoutMs(parameters, 'precommit', 2)).toBe(2_000);
});

test('the delay grows by a tenth in each round, up to round 100', () => {
  const parameters = { precisionMs: 500, delayMs: 2_000 };
  expect([0, 1, 2, 3].map((round) => delayMs(parameters, round))).toEqual([2_000, 2_200, 2_420, 2_662]);
  expect(delayMs(parameters, 1_000_000)).toBe(delayMs(parameters, 100));
  expect(Number.isSafeInteger(delayMs({ precisionMs: 0, delayMs: 60_000 }, 100))).toBe(true);
});

test('a proposal is timely from the precision before its time to delay and precision after it', () => {
  const parameters = { precisionMs: 500, delayMs: 2_000 };
  const judge = (round: number, receivedAfterMs: number) =>
    isTimely(parameters, round, 10_000, 10_000 + receivedAfterMs);
  expect([-501, -500, 0, 2_500, 2_501].map((after) => judge(0, after))).toEqual([false, true, true, true, false]);
  expect([2_700, 2_701].map((after) => judge(1, after))).toEqual([true, false]);
});
