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
 * The proposer of a round: weighted round robin, a pure function of its arguments. Of the slots (height + round) mod the
 * total power the strongest member takes as many as it has power, spread as evenly as whole slots can be; the second takes
 * its share of those that are left in the same way, and so on. Members of equal power take turns in the order of their
 * indexes. docs/spec/consensus.md §3 says how evenly each comes to its turn. One multiplication for each member.
 *
 * @example proposerIndex([{ power: 3 }, { power: 1 }, { power: 1 }], 0, 1) // 1; rounds 0 to 4: 0, 1, 0, 2, 0
 */
export function proposerIndex(members: readonly Member[], height: number, round: number): number {
  // Products of a slot and a power pass 2^53.
  let left = BigInt(totalPower(members));
  let slot = (BigInt(height) + BigInt(round)) % left;
  for (const [index, member] of strongestFirst(members)) {
    const power = BigInt(member.power);
    const product = slot * power;
    // Multiples of left / power, rounded up, are the slots of this member (Bresenham's line).
    if (product % left < power) return index;
    // Its place among the slots that are left: without those of this member before it, product / left rounded up.
    slot -= product / left + 1n;
    left -= power;
  }
  throw new RangeError(`no proposer for height ${height}, round ${round} among ${members.length} validators`);
}

/** By falling power; of equal power by index, because the sort is stable. */
function strongestFirst(members: readonly Member[]): [number, Member][] {
  return [...members.entries()].sort(([, a], [, b]) => b.power - a.power);
}
