import { verdictOn } from './proposals.ts';
import { isValid } from './rules.ts';
import type { ConsensusState, RoundValue, Vote } from './types.ts';
import { allVotesOf, quorumValue, votesFor } from './votes.ts';

export interface BlockedDecision extends RoundValue {
  /** `unknown`: ask peers for the block. `invalid`: the others decided what we hold for wrong; alarm and stop. */
  readonly reason: 'unknown' | 'invalid';
  readonly precommits: readonly Vote[];
}

/** A value with a quorum of precommits that we cannot decide, because its block is not here or does not execute. */
export function decidedWithoutProposal(state: ConsensusState): BlockedDecision | null {
  if (state.decision !== null) return null;
  const { votes, members, proposals } = state;
  for (const round of votes.keys()) {
    const valueId = quorumValue(votes, members, 'precommit', round);
    if (valueId === undefined || valueId === null || isValid(state, valueId)) continue;
    const reason = verdictOn(proposals, valueId) === 'invalid' ? 'invalid' : 'unknown';
    return { round, valueId, reason, precommits: votesFor(votes, 'precommit', round, valueId) };
  }
  return null;
}

/** The prevotes that prove `valid`; they travel with a proposal of `validRound` >= 0. Empty without `valid`. */
export function polka({ valid, votes }: ConsensusState): readonly Vote[] {
  return valid === null ? [] : votesFor(votes, 'prevote', valid.round, valid.valueId);
}

/** The precommits of the decision, with those that came after it. Empty before it. */
export function commitVotes({ decision, votes }: ConsensusState): readonly Vote[] {
  return decision === null ? [] : votesFor(votes, 'precommit', decision.round, decision.valueId);
}

/**
 * What a validator sends again and again until the height is over; each list is to reach the peer as one `votes`
 * input. With the own proposals of the round this is enough for termination, whatever was lost before: the entry
 * brings the others into our round, the polka makes them accept what we hold valid, the own votes let them go on.
 */
export function votesToResend(state: ConsensusState): readonly (readonly Vote[])[] {
  const { decision, entry, self, votes, round, locked } = state;
  if (decision !== null) return [commitVotes(state)];
  const own = self === null ? [] : allVotesOf(votes, self);
  const recent = own.filter((vote) => vote.round >= round - 1 || vote.round === locked?.round);
  return [entry, polka(state), recent].filter((list) => list.length > 0);
}
