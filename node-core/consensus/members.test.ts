import fc from 'fast-check';
import { expect, test } from 'vitest';
import { initial, proposerIndex } from './index.ts';
import { hasCorrect, isQuorum } from './members.ts';
import { FOUR, votes } from './testing.ts';

const proposers = (powers: readonly number[], height: number, rounds: number) => {
  const members = powers.map((power) => ({ power }));
  return Array.from({ length: rounds }, (_, round) => proposerIndex(members, height, round));
};

test('equal validators take turns, by height and by round', () => {
  expect(proposers([5, 5, 5, 5], 0, 6)).toEqual([0, 1, 2, 3, 0, 1]);
  expect(proposers([5, 5, 5, 5], 7, 3)).toEqual([3, 0, 1]);
});

test('powers are divided by their greatest common divisor and turned into ranges', () => {
  expect(proposers([20, 10, 30], 0, 7)).toEqual([0, 0, 1, 2, 2, 2, 0]);
  expect(proposers([7], 123, 2)).toEqual([0, 0]);
});

test('over one turn each validator proposes in proportion to its power, wherever the turn begins', () => {
  const powers = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 });
  const property = fc.property(powers, fc.nat(), fc.nat(1_000_000), (of, height, round) => {
    const members = of.map((power) => ({ power }));
    const total = of.reduce((sum, power) => sum + power, 0);
    const counts = of.map(() => 0);
    for (let turn = 0; turn < total; turn += 1) {
      const index = proposerIndex(members, height, round + turn);
      counts[index] = (counts[index] ?? 0) + 1;
    }
    expect(counts).toEqual(of);
  });
  fc.assert(property);
});

test('heights and rounds as large as numbers are exact do not overflow', () => {
  const members = [{ power: 1 }, { power: 2 }];
  expect(proposerIndex(members, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)).toBe(1);
});

test('a quorum is more than 2/3, one correct is more than 1/3: exactly that much is neither', () => {
  const three = [{ power: 1 }, { power: 1 }, { power: 1 }];
  expect(isQuorum(FOUR, votes('prevote', [0, 1], 0, 'A'))).toBe(false);
  expect(isQuorum(FOUR, votes('prevote', [0, 1, 2], 0, 'A'))).toBe(true);
  expect(isQuorum(three, votes('prevote', [0, 1], 0, 'A'))).toBe(false);
  expect(hasCorrect(three, votes('prevote', [0], 0, 'A'))).toBe(false);
  expect(hasCorrect(three, votes('prevote', [0, 1], 0, 'A'))).toBe(true);
  expect(isQuorum([{ power: 2 }, { power: 4 }, { power: 3 }], votes('prevote', [1, 2], 0, 'A'))).toBe(true);
  expect(isQuorum([{ power: 2 }, { power: 4 }, { power: 3 }], votes('prevote', [0, 1], 0, 'A'))).toBe(false);
});

test('members without a usable power, and a validator that is none of them, are refused', () => {
  for (const power of [0, -1, 0.5, Number.NaN, Number.MAX_SAFE_INTEGER]) {
    expect(() => initial(1, [{ power: 1 }, { power }], 0), `${power}`).toThrow(RangeError);
  }
  expect(() => initial(1, [], null)).toThrow(/at least one/);
  expect(() => initial(1, FOUR, 4)).toThrow(/validator 4 is not one of the 4/);
});
