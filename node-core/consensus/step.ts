import { proposerIndex } from './members.ts';
import { addProposal } from './proposals.ts';
import {
  castVote,
  type Draft,
  mayPropose,
  openPropose,
  propose,
  schedulePrecommitTimer,
  settle,
  startRound,
  update,
} from './rules.ts';
import type { ConsensusState, Input, Proposal, TimeoutStep, Transition, ValueId, Vote } from './types.ts';
import { addCertificate, addVote, votesForAnyOrLater } from './votes.ts';

/**
 * One step of Tendermint (arXiv:1807.04938, Algorithm 1) with proposer-based time: takes in one input, then applies
 * every rule that has become true. Pure: the same state and input give the same state and outputs, and the state that
 * was given stays as it was.
 *
 * The votes of one step are all of one round, and a decision comes with none. What is malformed, of another height or
 * out of turn is ignored. After the decision only votes are taken in, and only an equivocation is output.
 */
export function step(state: ConsensusState, input: Input): Transition {
  const draft: Draft = { state, outputs: [] };
  if (state.decision === null) take(draft, input);
  else if (input.kind === 'vote') takeVotes(draft, [input.vote]);
  else if (input.kind === 'votes') takeVotes(draft, input.votes);
  settle(draft);
  return draft;
}

function take(draft: Draft, input: Input): void {
  switch (input.kind) {
    case 'start':
      start(draft);
      break;
    case 'value':
      takeValue(draft, input.round, input.valueId);
      break;
    case 'proposal':
      takeProposal(draft, input.proposal, input.valid, input.timely);
      break;
    case 'vote':
      takeVotes(draft, [input.vote]);
      break;
    case 'votes':
      takeVotes(draft, input.votes);
      break;
    case 'abstained':
      leaveByTimer(draft, input.round);
      break;
    case 'timeout':
      takeTimeout(draft, input.step, input.round);
      break;
  }
}

/**
 * L10, or the way back after `resume`. The vote of the recorded step is cast when the record does not hold it: the
 * crash came between the two votes of one step. A precommit is then known from the lock; nil is always safe. The
 * prevote and precommit timers come back by L34 and L47, as soon as a quorum is heard again: armed without one, they
 * would let a validator that restarts often run ahead of the others alone.
 */
function start(draft: Draft): void {
  const { started, round, entry, step: recorded, locked } = draft.state;
  if (started) return;
  update(draft, { started: true });
  if (recorded === 'newRound') startRound(draft, round, entry); // L10
  if (recorded === 'propose') openPropose(draft);
  if (recorded === 'prevote') castVote(draft, 'prevote', null);
  if (recorded === 'precommit') castVote(draft, 'precommit', locked?.round === round ? locked.valueId : null);
}

/** L18-L19 */
function takeValue(draft: Draft, round: number, valueId: ValueId): void {
  const { state } = draft;
  if (!state.started || state.step !== 'propose' || state.round !== round) return;
  if (mayPropose(state)) propose(draft, valueId, -1);
}

function takeProposal(draft: Draft, proposal: Proposal, valid: boolean, timely: boolean): void {
  const { height, members, round, proposals } = draft.state;
  const isWellFormed = isRound(proposal.round) && (proposal.validRound === -1 || isRound(proposal.validRound));
  if (proposal.height !== height || !isWellFormed || proposal.validRound >= proposal.round) return; // L28
  if (proposal.proposer !== proposerIndex(members, height, proposal.round)) return; // L22, L28, L36, L49
  const added = addProposal(proposals, { proposal, valid, timely }, round);
  update(draft, { proposals: added.proposals });
  if (added.conflict !== null) {
    draft.outputs.push({ kind: 'conflictingProposals', first: added.conflict, second: proposal });
  }
}

function takeVotes(draft: Draft, votes: readonly Vote[]): void {
  const { height, members, round } = draft.state;
  const usable = votes.filter(
    (vote) => vote.height === height && isRound(vote.round) && members[vote.validator] !== undefined,
  );
  for (const vote of usable) {
    const added = addVote(draft.state.votes, vote, round);
    update(draft, { votes: added.votes });
    if (added.conflict !== null) draft.outputs.push({ kind: 'equivocation', first: added.conflict, second: vote });
  }
  update(draft, { votes: addCertificate(draft.state.votes, members, usable) });
}

/** In place of L47-L48: our votes of this round will not come, and without them there may be no quorum to wait for. */
function leaveByTimer(draft: Draft, round: number): void {
  const { state } = draft;
  if (round === state.round && state.started && !state.done.precommitTimeout) schedulePrecommitTimer(draft);
}

/**
 * L57-L67. A prevote or precommit timer that was not asked for in this round is ignored: leaving a round without a
 * quorum of precommits would leave the others behind until our vote in a later one lets them go on.
 */
function takeTimeout(draft: Draft, timeoutStep: TimeoutStep, round: number): void {
  const { state } = draft;
  if (round !== state.round || !state.started) return; // L58, L62, L66
  if (timeoutStep === 'propose' && state.step === 'propose') castVote(draft, 'prevote', null); // L59
  if (timeoutStep === 'prevote' && state.step === 'prevote' && state.done.prevoteTimeout) {
    castVote(draft, 'precommit', null); // L63
  }
  if (timeoutStep === 'precommit' && state.done.precommitTimeout) {
    startRound(draft, round + 1, votesForAnyOrLater(state.votes, 'precommit', round)); // L67
  }
}

function isRound(round: number): boolean {
  return Number.isSafeInteger(round) && round >= 0;
}
