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

test.each([
  { powers: [7], turns: '0' },
  { powers: [3, 1, 1, 1], turns: '010203' },
  { powers: [1, 3], turns: '1011' },
  { powers: [20, 10, 30], turns: '202120' },
  { powers: [4, 3, 2, 1], turns: '0120103102' },
  { powers: [1, 1, 10, 1, 1, 1], turns: '202212232242252' },
])('powers $powers: turns $turns, and again', ({ powers, turns }) => {
  expect(proposers(powers, 0, 2 * turns.length).join('')).toBe(turns + turns);
});

const powersOf = (max: number) => fc.array(fc.integer({ min: 1, max }), { minLength: 1, maxLength: 8 });
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

test('over one turn each validator proposes in proportion to its power, wherever the turn begins', () => {
  const property = fc.property(powersOf(50), fc.nat(), fc.nat(1_000_000), (of, height, round) => {
    const members = of.map((power) => ({ power }));
    const counts = of.map(() => 0);
    for (let turn = 0; turn < sum(of); turn += 1) {
      const index = proposerIndex(members, height, round + turn);
      counts[index] = (counts[index] ?? 0) + 1;
    }
    expect(counts).toEqual(of);
  });
  fc.assert(property);
});

test('powers with a common factor are their quotients', () => {
  const property = fc.property(powersOf(20), fc.integer({ min: 2, max: 1_000 }), fc.nat(), (of, factor, height) => {
    const scaled = of.map((power) => factor * power);
    expect(proposers(scaled, height, 2 * sum(of))).toEqual(proposers(of, height, 2 * sum(of)));
  });
  fc.assert(property);
});

/** Strongest first: each validator, and the power that it and all after it have (the spec's R). */
function ranked(of: readonly number[]) {
  const order = of.map((power, index) => ({ index, power })).sort((a, b) => b.power - a.power);
  return order.map((member, at) => ({ ...member, left: sum(order.slice(at).map(({ power }) => power)) }));
}

/** Slots from each turn of a validator to its next one. */
function distances(turns: readonly number[], index: number): number[] {
  const slots = turns.flatMap((turn, slot) => (turn === index ? [slot] : []));
  return slots.map((slot, i) => (slots[i + 1] ?? slots[0]! + turns.length) - slot);
}

test('from one turn of a validator to its next it takes as long as the spec says, no more and no less', () => {
  const property = fc.property(powersOf(40), (of) => {
    const turns = proposers(of, 0, sum(of));
    const ranks = ranked(of);
    for (const [at, { index, power, left }] of ranks.entries()) {
      let [least, most] = [Math.floor(left / power), Math.ceil(left / power)];
      for (let above = at - 1; above >= 0; above -= 1) {
        const [from, to] = [ranks[above + 1]!.left, ranks[above]!.left];
        [least, most] = [Math.floor((least * to) / from), Math.ceil((most * to) / from)];
      }
      const harmonic = sum(ranks.slice(0, at + 1).map((_, i) => 1 / (i + 1)));
      const found = distances(turns, index);
      expect(Math.min(...found), `least of ${index} in ${turns}`).toBeGreaterThanOrEqual(least);
      expect(Math.max(...found), `most of ${index} in ${turns}`).toBeLessThanOrEqual(most);
      expect(most).toBeLessThan(((1 + harmonic) * sum(of)) / power);
    }
  });
  fc.assert(property);
});

test('the strongest has no more turns in a row than its power is to that of the others, rounded up', () => {
  const property = fc.property(powersOf(40), (of) => {
    fc.pre(of.length > 1);
    const [{ index, power, left }] = ranked(of) as [ReturnType<typeof ranked>[number]];
    const turns = proposers(of, 0, 2 * sum(of));
    const runs = turns.map((turn) => (turn === index ? 'x' : ' ')).join('');
    const longest = Math.max(...runs.split(' ').map((run) => run.length));
    expect(longest, `${turns}`).toBeLessThanOrEqual(Math.ceil(power / (left - power)));
  });
  fc.assert(property);
});

test('as many validators and as much power as a set may have', () => {
  const powers = Array.from({ length: 100 }, (_, i) => 1_000_000 - i * i);
  const counts = new Map<number, number>();
  for (const index of proposers(powers, 123_456_789, 10_000)) counts.set(index, (counts.get(index) ?? 0) + 1);
  for (const [index, power] of powers.entries()) {
    const share = (10_000 * power) / sum(powers);
    expect(Math.abs(counts.get(index)! - share), `${index}`).toBeLessThan(5);
  }
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
