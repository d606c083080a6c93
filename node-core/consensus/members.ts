import type { Member, Vote } from './types.ts';

/**
 * @throws RangeError when a set is empty, a power is not a positive integer, or 3 x the total is not an exact number.
 */
export function assertMembers(members: readonly Member[]): void {
  if (members.length === 0) throw new RangeError('a validator set needs at least one member');
  for (const [index, { power }] of members.entries()) {
    if (!Number.isSafeInteger(power) || power <= 0) {
      throw new RangeError(`the power of validator ${index} is ${power}; it must be a positive integer`);
    }
  }
  if (!Number.isSafeInteger(3 * totalPower(members))) throw new RangeError('the total power must be below 2^53 / 3');
}

export function totalPower(members: readonly Member[]): number {
  return members.reduce((sum, member) => sum + member.power, 0);
}

/** The power behind some votes. Each validator must appear in them at most once. */
export function powerOf(members: readonly Member[], votes: Iterable<Vote>): number {
  let power = 0;
  for (const vote of votes) power += members[vote.validator]?.power ?? 0;
  return power;
}

/** More than 2/3, the paper's 2f + 1: two quorums share a correct validator. */
export function isQuorum(members: readonly Member[], votes: Iterable<Vote>): boolean {
  return 3 * powerOf(members, votes) > 2 * totalPower(members);
}

/** More than 1/3, the paper's f + 1: at least one of them is correct. */
export function hasCorrect(members: readonly Member[], votes: Iterable<Vote>): boolean {
  return 3 * powerOf(members, votes) > totalPower(members);
}

/**
 * The proposer of a round: weighted round robin, a pure function of its arguments. Powers are divided by their greatest
 * common divisor; slot (height + round) mod sum falls into the cumulative range of one member.
 *
 * @example proposerIndex([{ power: 2 }, { power: 1 }], 0, 1) // 0; rounds 0 and 1 are 0's, round 2 is 1's
 */
export function proposerIndex(members: readonly Member[], height: number, round: number): number {
  const divisor = members.reduce((gcd, member) => greatestCommonDivisor(gcd, member.power), 0);
  const slots = totalPower(members) / divisor;
  let slot = ((height % slots) + (round % slots)) % slots;
  for (const [index, member] of members.entries()) {
    slot -= member.power / divisor;
    if (slot < 0) return index;
  }
  throw new RangeError(`no proposer for height ${height}, round ${round} among ${members.length} validators`);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
