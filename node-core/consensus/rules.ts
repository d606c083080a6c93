// The rules of Algorithm 1 (arXiv:1807.04938) that wait for a condition ("upon ..."). Each one checks its whole
// condition on the state, acts and says whether it did; `settle` applies them until none can act. Rules read nothing
// but the state, so it does not matter which of two messages came first.

import { hasCorrect, isQuorum, proposerIndex } from './members.ts';
import { proposalsOf, verdictOn } from './proposals.ts';
import type { ConsensusState, JudgedProposal, Output, ValueId, Vote, VoteType } from './types.ts';
import { quorumValue, voteOf, votersOf, votesFor, votesForAny, votesForAnyOrLater } from './votes.ts';

/** A state on its way to the next; it never leaves one call of `step`. */
export interface Draft {
  state: ConsensusState;
  readonly outputs: Output[];
}

type Rule = (draft: Draft) => boolean;

// The decision comes first: who has decided casts no further vote. Where a vote and a timer are both due, the vote
// goes first, and the timer is then not needed.
const RULES: readonly Rule[] = [
  decide,
  skipRound,
  prevoteFresh,
  prevoteReproposed,
  precommitValue,
  precommitNil,
  schedulePrevoteTimeout,
  leaveNilRound,
  schedulePrecommitTimeout,
];

export function settle(draft: Draft): void {
  if (!draft.state.started) return;
  while (draft.state.decision === null && RULES.some((rule) => rule(draft)));
}

/** L11-L21. `entry` are the votes that justify the round. */
export function startRound(draft: Draft, round: number, entry: readonly Vote[]): void {
  const done = { propose: false, prevoteTimeout: false, precommitTimeout: false };
  update(draft, { round, step: 'propose', entry, done }); // L12, L13
  openPropose(draft);
}

/**
 * L14-L21, also after a restart. The timer runs for the proposer too, unlike in L20: its block may come too late, and
 * L57 then costs a round instead of the height.
 */
export function openPropose(draft: Draft): void {
  const { round, valid } = draft.state;
  draft.outputs.push({ kind: 'scheduleTimeout', step: 'propose', round }); // L21
  if (!mayPropose(draft.state)) return; // L14
  if (valid === null)
    draft.outputs.push({ kind: 'getValue', round }); // L18
  else propose(draft, valid.valueId, valid.round); // L16, L19
}

/** L19 */
export function propose(draft: Draft, valueId: ValueId, validRound: number): void {
  const { round, done } = draft.state;
  update(draft, { done: { ...done, propose: true } });
  draft.outputs.push({ kind: 'propose', round, valueId, validRound });
}

/** Whether we are the proposer of this round and have not proposed: a proposal of an earlier life counts. */
export function mayPropose(state: ConsensusState): boolean {
  const { members, height, round, self, done, proposals } = state;
  const isProposer = self !== null && self === proposerIndex(members, height, round);
  return isProposer && !done.propose && proposalsOf(proposals, round).length === 0;
}

/**
 * Moves to the step of a vote and casts it, unless we observe or have already voted there: the vote then came back
 * from our record, or from a second copy of ourselves.
 */
export function castVote(draft: Draft, type: VoteType, valueId: ValueId | null): void {
  update(draft, { step: type }); // L27, L33, L41, L46, L60, L64
  const { self, votes, round } = draft.state;
  if (self === null || voteOf(votes, type, round, self) !== undefined) return;
  draft.outputs.push({ kind: 'vote', type, round, valueId });
}

export function update(draft: Draft, change: Partial<ConsensusState>): void {
  draft.state = { ...draft.state, ...change };
}

/**
 * L49-L51, for every round. A quorum of precommits for a value that we hold for valid, from the proposal of whichever
 * round: which value it is, is all that a proposal adds here. A value that we had locked or held valid before a
 * restart needs no proposal either, because its block is durable.
 */
function decide(draft: Draft): boolean {
  const { votes, members } = draft.state;
  for (const round of votes.keys()) {
    const valueId = quorumValue(votes, members, 'precommit', round);
    if (valueId === undefined || valueId === null || !isValid(draft.state, valueId)) continue;
    update(draft, { step: 'commit', decision: { round, valueId } });
    const precommits = votesFor(votes, 'precommit', round, valueId);
    draft.outputs.push({ kind: 'decide', round, valueId, precommits });
    return true;
  }
  return false;
}

/** L50 */
export function isValid({ proposals, locked, valid }: ConsensusState, valueId: ValueId): boolean {
  return locked?.valueId === valueId || valid?.valueId === valueId || verdictOn(proposals, valueId) === 'valid';
}

/** L55-L56: the highest round in which more than 1/3 have voted. */
function skipRound(draft: Draft): boolean {
  const { votes, members, round: current } = draft.state;
  const ahead = [...votes.keys()].filter((round) => round > current).sort((a, b) => b - a);
  const round = ahead.find((candidate) => hasCorrect(members, votersOf(votes, candidate)));
  if (round === undefined) return false;
  startRound(draft, round, votersOf(votes, round));
  return true;
}

/** L22-L27, with the timeliness of proposer-based time: a fresh value must be timely. */
function prevoteFresh(draft: Draft): boolean {
  const { step, round, proposals, locked } = draft.state;
  if (step !== 'propose') return false;
  const fresh = proposalsOf(proposals, round).find(({ proposal }) => proposal.validRound === -1);
  if (fresh === undefined) return false;
  const { valueId } = fresh.proposal;
  const accept = fresh.valid && fresh.timely && (locked === null || locked.valueId === valueId); // L23
  castVote(draft, 'prevote', accept ? valueId : null); // L24, L26
  return true;
}

/** L28-L33. Timeliness was judged by those who made the polka. */
function prevoteReproposed(draft: Draft): boolean {
  const { step, round, proposals, locked } = draft.state;
  if (step !== 'propose') return false;
  const proven = proposalsOf(proposals, round).find((judged) => hasEarlierPolka(draft.state, judged));
  if (proven === undefined) return false;
  const { valueId, validRound } = proven.proposal;
  const unlocked = locked === null || locked.round <= validRound || locked.valueId === valueId;
  castVote(draft, 'prevote', proven.valid && unlocked ? valueId : null); // L29-L32
  return true;
}

function hasEarlierPolka({ votes, members }: ConsensusState, { proposal }: JudgedProposal): boolean {
  const { valueId, validRound } = proposal; // validRound < round: `step` has checked it
  return validRound >= 0 && isQuorum(members, votesFor(votes, 'prevote', validRound, valueId));
}

/** L36-L43. "For the first time" is when `valid` is not of this round yet. */
function precommitValue(draft: Draft): boolean {
  const { step, round, proposals, votes, members, valid } = draft.state;
  if ((step !== 'prevote' && step !== 'precommit') || valid?.round === round) return false;
  const chosen = proposalsOf(proposals, round).find(
    (judged) => judged.valid && isQuorum(members, votesFor(votes, 'prevote', round, judged.proposal.valueId)),
  );
  if (chosen === undefined) return false;
  const { valueId } = chosen.proposal;
  update(draft, { valid: { round, valueId } }); // L42, L43
  if (step === 'prevote') {
    update(draft, { locked: { round, valueId } }); // L38, L39
    castVote(draft, 'precommit', valueId); // L40, L41
  }
  return true;
}

/** L44-L46 */
function precommitNil(draft: Draft): boolean {
  const { step, round, votes, members } = draft.state;
  if (step !== 'prevote' || !isQuorum(members, votesFor(votes, 'prevote', round, null))) return false;
  castVote(draft, 'precommit', null);
  return true;
}

/** L34-L35. Who has voted in a later round will not prevote in this one. */
function schedulePrevoteTimeout(draft: Draft): boolean {
  const { step, round, votes, members, done } = draft.state;
  if (step !== 'prevote' || done.prevoteTimeout) return false;
  if (!isQuorum(members, votesForAnyOrLater(votes, 'prevote', round))) return false;
  update(draft, { done: { ...done, prevoteTimeout: true } });
  draft.outputs.push({ kind: 'scheduleTimeout', step: 'prevote', round });
  return true;
}

/**
 * In place of L47-L48 and L65-L67: a quorum for nil means that this round decides nothing any more, so that there is
 * nothing to wait for (ADR 0019). Only while each validator has its first turn: should every proposal be found wrong,
 * the growing timers of the rounds after that keep the rounds from racing.
 */
function leaveNilRound(draft: Draft): boolean {
  const { round, votes, members } = draft.state;
  if (round >= members.length || !isQuorum(members, votesFor(votes, 'precommit', round, null))) return false;
  startRound(draft, round + 1, votesForAny(votes, 'precommit', round));
  return true;
}

/** L47-L48. Who has voted in a later round will not precommit in this one. */
function schedulePrecommitTimeout(draft: Draft): boolean {
  const { round, votes, members, done } = draft.state;
  if (done.precommitTimeout || !isQuorum(members, votesForAnyOrLater(votes, 'precommit', round))) return false;
  schedulePrecommitTimer(draft);
  return true;
}

/** L48 */
export function schedulePrecommitTimer(draft: Draft): void {
  const { round, done } = draft.state;
  update(draft, { done: { ...done, precommitTimeout: true } });
  draft.outputs.push({ kind: 'scheduleTimeout', step: 'precommit', round });
}
