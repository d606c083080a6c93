import { assertMembers } from './members.ts';
import { polka } from './selectors.ts';
import type { Checkpoint, ConsensusState, Member, Step, Vote } from './types.ts';
import { addCertificate, addVote } from './votes.ts';

/** The stored checkpoint does not cover the stored votes: whoever goes on might sign against itself, so nobody may. */
export class VoteRecordError extends Error {
  override readonly name = 'VoteRecordError';
}

const STEP_ORDER: readonly Step[] = ['newRound', 'propose', 'prevote', 'precommit', 'commit'];

/**
 * The state before a height (L1-L9).
 *
 * @param self own index among the members, `null` to observe: an observer runs the same rules and emits neither votes
 *   nor proposals
 * @throws RangeError for members without a usable power, or a `self` that is none of them
 */
export function initial(height: number, members: readonly Member[], self: number | null): ConsensusState {
  assertMembers(members);
  if (self !== null && members[self] === undefined) {
    throw new RangeError(`validator ${self} is not one of the ${members.length} members of height ${height}`);
  }
  return {
    height,
    members,
    self,
    started: false,
    round: 0,
    step: 'newRound',
    locked: null,
    valid: null,
    entry: [],
    proposals: new Map(),
    votes: new Map(),
    done: { propose: false, prevoteTimeout: false, precommitTimeout: false },
    decision: null,
  };
}

/** What the vote record must hold of a state; see `Checkpoint`. */
export function checkpoint(state: ConsensusState): Checkpoint {
  const { round, step, locked, valid, entry } = state;
  return { round, step, locked, valid, polka: polka(state), entry };
}

/**
 * The state after a restart. The caller then feeds the proposals it has stored, its own without fail, and `start`.
 *
 * Guaranteed, when the record holds every vote that was let out and, beside each, the checkpoint of its step:
 * - no second, different vote for a type and round that was signed, and none for a round before the recorded one;
 * - the lock holds: what was precommitted is not voted against without a later polka;
 * - no second proposal in a round, when the own proposals are fed before `start`;
 * - the round and `valid` can be proven to others, so that nothing which only we had heard is missed by them.
 * Lost are the other votes and proposals heard, and a round entered without a vote in it. Peers resend; the timers
 * come back with what is heard.
 *
 * @throws VoteRecordError when the votes go beyond the checkpoint
 */
export function resume(
  height: number,
  members: readonly Member[],
  self: number | null,
  recorded: Checkpoint,
  ownVotes: readonly Vote[],
): ConsensusState {
  const fresh = initial(height, members, self);
  for (const vote of ownVotes) assertCovered(vote, height, self, recorded);
  const { round, locked, valid, entry } = recorded;
  let votes = fresh.votes;
  for (const vote of [...ownVotes, ...recorded.polka, ...entry]) {
    const added = addVote(votes, vote, round);
    if (added.conflict?.validator === self) {
      throw new VoteRecordError(
        `two different own ${vote.type}s are recorded for height ${height}, round ${vote.round}`,
      );
    }
    votes = added.votes;
  }
  votes = addCertificate(votes, members, recorded.polka);
  // Without its precommits a decision is not a decision yet; they will be heard again.
  const step = recorded.step === 'commit' ? 'precommit' : recorded.step;
  return { ...fresh, round, step, locked, valid, entry, votes };
}

function assertCovered(vote: Vote, height: number, self: number | null, { round, step, locked }: Checkpoint): void {
  const what = `own ${vote.type} for height ${vote.height}, round ${vote.round}`;
  if (vote.height !== height || vote.validator !== self) {
    throw new VoteRecordError(
      `${what} is of validator ${vote.validator}; expected height ${height}, validator ${self}`,
    );
  }
  const isLater = STEP_ORDER.indexOf(vote.type) > STEP_ORDER.indexOf(step);
  if (vote.round > round || (vote.round === round && isLater)) {
    throw new VoteRecordError(`${what} is later than its checkpoint (round ${round}, ${step})`);
  }
  if (vote.type === 'prevote' || vote.valueId === null) return;
  const isLocked = locked !== null && (locked.round > vote.round || isLockOf(vote, locked.round, locked.valueId));
  if (!isLocked) throw new VoteRecordError(`${what} is for ${vote.valueId}, but the checkpoint holds no such lock`);
}

function isLockOf(vote: Vote, round: number, valueId: string): boolean {
  return vote.round === round && vote.valueId === valueId;
}
