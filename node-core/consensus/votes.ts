// The vote keeper. A validator's power counts once per type and round, whichever key signed, and its first vote is the
// one that counts.
//
// Why certificates. The paper lets an equivocator's vote count for every value it was sent for; we keep the first only,
// so that memory is bounded. Alone that would lose liveness: a Byzantine prevote completes a polka at A, which locks,
// while B had heard the same validator's nil first and could never see that polka. So when votes arrive that make a
// quorum for one value, among themselves or with those that count already, they are kept and count, second votes of
// equivocators included. This is safe: two quorums for two values in one round would share a correct validator, and
// that one votes once. For the same reason one certificate per type and round is enough.

import { isQuorum } from './members.ts';
import type { Ballot, Member, ValueId, Vote, Votes, VoteType } from './types.ts';

/**
 * For how many rounds above the current one the votes of a validator are kept: its highest four.
 *
 * Memory: a Byzantine validator may sign votes for a million rounds and pushes out none but its own. Kept are at most
 * 4 x 2 votes per validator above the current round, and 2 per round up to it; correct validators alone move that.
 *
 * Liveness: L55 must still fire. Let R > 0 be the highest round that a correct validator has entered. The first one
 * there had seen more than 2/3 precommits of R - 1 (L47, L65), so correct validators with more than 1/3 of the power
 * have voted in R - 1, and none has voted above R. Their votes in R - 1 are among the two highest rounds of each; two
 * would do, four leave room for disorder. No bound on the distance is needed, so that one who was away for a hundred
 * rounds comes back by the same rule. Where some have abstained, the rounds of the others may differ; a vote in any later
 * round then lets those behind go on by their timers (`votesForAnyOrLater`), and of each the highest one is kept.
 */
export const KEPT_FUTURE_ROUNDS = 4;

const EMPTY: Ballot = { first: new Map(), certificate: [], accused: new Set() };
const VOTE_TYPES: readonly VoteType[] = ['prevote', 'precommit'];

/** `conflict` is the vote that counted before, once per type, round and validator, when a different one arrives. */
export function addVote(votes: Votes, vote: Vote, currentRound: number): { votes: Votes; conflict: Vote | null } {
  const ballot = ballotOf(votes, vote.type, vote.round);
  const counted = ballot.first.get(vote.validator);
  if (counted === undefined) {
    const first = new Map(ballot.first).set(vote.validator, vote);
    const next = withBallot(votes, vote.type, vote.round, { ...ballot, first });
    return {
      votes: vote.round > currentRound ? forgetFuture(next, vote.validator, currentRound) : next,
      conflict: null,
    };
  }
  if (counted.valueId === vote.valueId || ballot.accused.has(vote.validator)) return { votes, conflict: null };
  const accused = new Set(ballot.accused).add(vote.validator);
  return { votes: withBallot(votes, vote.type, vote.round, { ...ballot, accused }), conflict: counted };
}

/** Keeps the quorum that some votes make for one value, where the first votes alone do not show it. */
export function addCertificate(votes: Votes, members: readonly Member[], together: readonly Vote[]): Votes {
  let next = votes;
  for (const { type, round, valueId } of together) {
    const ballot = ballotOf(next, type, round);
    const counted = votesFor(next, type, round, valueId);
    if (ballot.certificate.length > 0 || isQuorum(members, counted)) continue;
    const same = together.filter((vote) => vote.type === type && vote.round === round && vote.valueId === valueId);
    const certificate = [...byValidator([...counted, ...same]).values()];
    if (isQuorum(members, certificate)) next = withBallot(next, type, round, { ...ballot, certificate });
  }
  return next;
}

/** The votes for one value (or nil), one per validator, sorted by validator. */
export function votesFor(votes: Votes, type: VoteType, round: number, valueId: ValueId | null): readonly Vote[] {
  return votesOf(votes, type, round, (vote) => vote.valueId === valueId);
}

/** The votes for anything, one per validator, sorted by validator. */
export function votesForAny(votes: Votes, type: VoteType, round: number): readonly Vote[] {
  return votesOf(votes, type, round, () => true);
}

/** One vote of each validator that has voted in a round, of either type: what L55 counts. */
export function votersOf(votes: Votes, round: number): readonly Vote[] {
  const all = VOTE_TYPES.flatMap((type) => votesForAny(votes, type, round));
  return sorted(byValidator(all).values());
}

/**
 * One vote of each validator that has voted for anything, or in a later round: those cast none in this one any more, and
 * one that has left it without a quorum (`abstained`) would be waited for in vain.
 */
export function votesForAnyOrLater(votes: Votes, type: VoteType, round: number): readonly Vote[] {
  const later = [...votes.keys()].filter((other) => other > round).flatMap((other) => votersOf(votes, other));
  return sorted(byValidator([...votesForAny(votes, type, round), ...later]).values());
}

/** The value with a quorum in a round; `undefined` when none has, `null` when nil has. */
export function quorumValue(
  votes: Votes,
  members: readonly Member[],
  type: VoteType,
  round: number,
): ValueId | null | undefined {
  const values = new Set(votesForAny(votes, type, round).map((vote) => vote.valueId));
  for (const { valueId } of ballotOf(votes, type, round).certificate) values.add(valueId);
  return [...values].find((valueId) => isQuorum(members, votesFor(votes, type, round, valueId)));
}

/** The vote of one validator that counts. */
export function voteOf(votes: Votes, type: VoteType, round: number, validator: number): Vote | undefined {
  return votes.get(round)?.[type].first.get(validator);
}

/** Every vote of one validator that counts, by ascending round, prevote first. */
export function allVotesOf(votes: Votes, validator: number): readonly Vote[] {
  return [...votes.keys()]
    .sort((a, b) => a - b)
    .flatMap((round) => VOTE_TYPES.map((type) => voteOf(votes, type, round, validator)))
    .filter((vote) => vote !== undefined);
}

function votesOf(votes: Votes, type: VoteType, round: number, wanted: (vote: Vote) => boolean): readonly Vote[] {
  const { first, certificate } = ballotOf(votes, type, round);
  return sorted(byValidator([...first.values(), ...certificate].filter(wanted)).values());
}

function ballotOf(votes: Votes, type: VoteType, round: number): Ballot {
  return votes.get(round)?.[type] ?? EMPTY;
}

function withBallot(votes: Votes, type: VoteType, round: number, ballot: Ballot): Votes {
  const ballots = votes.get(round) ?? { prevote: EMPTY, precommit: EMPTY };
  return new Map(votes).set(round, { ...ballots, [type]: ballot });
}

function forgetFuture(votes: Votes, validator: number, currentRound: number): Votes {
  const future = [...votes.keys()]
    .filter((round) => round > currentRound && VOTE_TYPES.some((type) => voteOf(votes, type, round, validator)))
    .sort((a, b) => b - a);
  const stale = future.slice(KEPT_FUTURE_ROUNDS);
  if (stale.length === 0) return votes;
  const next = new Map(votes);
  for (const round of stale) {
    const ballots = next.get(round);
    if (ballots === undefined) continue;
    const prevote = without(ballots.prevote, validator);
    const precommit = without(ballots.precommit, validator);
    if (isEmpty(prevote) && isEmpty(precommit)) next.delete(round);
    else next.set(round, { prevote, precommit });
  }
  return next;
}

function without(ballot: Ballot, validator: number): Ballot {
  const first = new Map(ballot.first);
  first.delete(validator);
  const accused = new Set(ballot.accused);
  accused.delete(validator);
  return { ...ballot, first, accused };
}

function isEmpty(ballot: Ballot): boolean {
  return ballot.first.size === 0 && ballot.certificate.length === 0;
}

/** The first of each validator's votes. */
function byValidator(votes: Iterable<Vote>): Map<number, Vote> {
  const map = new Map<number, Vote>();
  for (const vote of votes) if (!map.has(vote.validator)) map.set(vote.validator, vote);
  return map;
}

function sorted(votes: Iterable<Vote>): readonly Vote[] {
  return [...votes].sort((a, b) => a.validator - b.validator);
}
