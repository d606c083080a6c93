import type { JudgedProposal, Proposal, Proposals, ValueId } from './types.ts';
import { KEPT_FUTURE_ROUNDS } from './votes.ts';

/** A proposer that signs two proposals is Byzantine; the polka may be for either, a third adds nothing but memory. */
export const KEPT_PROPOSALS = 2;

/**
 * Keeps a proposal with the verdict it had when it first came. `conflict` is the first proposal of the round, once,
 * when the second arrives. Of future rounds only the highest few of each proposer are kept, as with votes.
 */
export function addProposal(
  proposals: Proposals,
  judged: JudgedProposal,
  currentRound: number,
): { proposals: Proposals; conflict: Proposal | null } {
  const { round, proposer } = judged.proposal;
  const known = proposalsOf(proposals, round);
  const isKnown = known.some(({ proposal }) => isSame(proposal, judged.proposal));
  if (isKnown || known.length >= KEPT_PROPOSALS) return { proposals, conflict: null };

  const next = new Map(proposals).set(round, [...known, judged]);
  const future = [...next.keys()]
    .filter((other) => other > currentRound && next.get(other)?.[0]?.proposal.proposer === proposer)
    .sort((a, b) => b - a);
  for (const stale of future.slice(KEPT_FUTURE_ROUNDS)) next.delete(stale);
  return { proposals: next, conflict: known[0]?.proposal ?? null };
}

export function proposalsOf(proposals: Proposals, round: number): readonly JudgedProposal[] {
  return proposals.get(round) ?? [];
}

/** What the proposals of any round say of a value. */
export function verdictOn(proposals: Proposals, valueId: ValueId): 'valid' | 'invalid' | 'unknown' {
  const all = [...proposals.values()].flat().filter(({ proposal }) => proposal.valueId === valueId);
  if (all.length === 0) return 'unknown';
  return all.some(({ valid }) => valid) ? 'valid' : 'invalid';
}

function isSame(a: Proposal, b: Proposal): boolean {
  return a.valueId === b.valueId && a.validRound === b.validRound;
}
