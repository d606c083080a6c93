import { expect, it } from 'vitest';
import { Patience } from './patience.ts';

const FULL_MS = 1_000;
const SHORT_MS = 200;
const HEIGHT = 10;
const ID = Uint8Array.of(1);

/** What is waited for the proposer, `sinceMs` after the last time that was set. */
function patience(height: number | null) {
  const clock = { ms: 5_000, now: () => clock.ms, schedule: () => () => {} };
  const subject = new Patience(clock, () => height);
  const delayMs = () => subject.delayMs({ id: ID, index: 0 }, HEIGHT, FULL_MS);
  return { clock, subject, delayMs };
}

it.each([
  ['has the block before', HEIGHT - 1, FULL_MS],
  ['is one behind, as far as we know', HEIGHT - 2, FULL_MS],
  ['is two behind', HEIGHT - 3, SHORT_MS],
  ['has said to be ahead', HEIGHT + 5, FULL_MS],
])('a proposer that is connected and %s', (_, height, expected) => {
  expect(patience(height).delayMs()).toBe(expected);
});

it('the time without a connection counts, from the last loss on, and never below nothing', () => {
  const { clock, subject, delayMs } = patience(null);
  subject.lost(ID);
  expect(delayMs()).toBe(SHORT_MS);
  clock.ms += 150;
  expect(delayMs()).toBe(SHORT_MS - 150);
  clock.ms += 1_000;
  expect(delayMs()).toBe(0);
  subject.lost(ID);
  expect(delayMs()).toBe(SHORT_MS);
});

it('one that never was connected has been away since the start', () => {
  const { clock, delayMs } = patience(null);
  clock.ms += 120;
  expect(delayMs()).toBe(SHORT_MS - 120);
});

it('a clock that is set back gives it the whole fifth, not more', () => {
  const { clock, subject, delayMs } = patience(null);
  subject.lost(ID);
  clock.ms -= 3_600_000;
  expect(delayMs()).toBe(SHORT_MS);
});
