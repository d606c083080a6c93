import { expect, it } from 'vitest';
import { hasPassed } from './elapsed.ts';

it.each([
  ['before the time is over', 1_999, false],
  ['when it is', 2_000, true],
  ['long after', 9_999_999, true],
  ['when the clock was set back', 999, true],
])('%s', (_, nowMs, expected) => {
  expect(hasPassed(nowMs, 1_000, 1_000)).toBe(expected);
});
