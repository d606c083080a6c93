// What the Byzantine members of the network do: they sign whatever may hurt most, and show it to whom they like.

import { type Proposal, proposerIndex } from './index.ts';
import { type Message, type Move, type Network, pick, sign, TEST_HEIGHT, targetsOf } from './testing-network.ts';

/** A liar votes for something, to some; with the votes that others have cast for it, so that it may be a quorum. */
export function lie(network: Network, made: Extract<Move, { kind: 'lie' }>): void {
  const liar = pick(network.liars, made.liar);
  if (liar === undefined) return;
  // Most lies are about a round that some are in and what was proposed there; a large number is a round far away.
  const topRound = Math.max(...network.nodes.map(({ state }) => state.round));
  const round = made.round > 9 ? made.round : Math.max(0, topRound + 1 - Math.ceil(made.round / 2));
  const proposed = network.log.proposals.filter((proposal) => proposal.round === round);
  const values = [...proposed.map(({ valueId }) => valueId), null, ...valuesSeen(network)];
  const vote = sign(made.type, liar, round, pick(values, made.value) ?? null, 0);
  const alike = network.log.votes.filter(
    (other) => other.type === vote.type && other.round === vote.round && other.valueId === vote.valueId,
  );
  network.log.votes.push(vote);
  sendTo(network, made.targets, { kind: 'votes', votes: made.withOthers ? [vote, ...alike] : [vote] });
}

/** A liar proposes something, to some, in a round that is its own. */
export function forge(network: Network, made: Extract<Move, { kind: 'forge' }>): void {
  const rounds = Array.from({ length: 8 }, (_, round) => round).filter((round) =>
    network.liars.includes(proposerIndex(network.members, TEST_HEIGHT, round)),
  );
  const round = pick(rounds, made.round);
  if (round === undefined) return;
  const valueId = pick([`w${made.value}`, 'bad', ...valuesSeen(network)], made.value) ?? 'bad';
  const validRound = (made.validRound % (round + 1)) - 1;
  const proposer = proposerIndex(network.members, TEST_HEIGHT, round);
  const proposal: Proposal = { height: TEST_HEIGHT, round, valueId, validRound, proposer };
  const proof = network.log.votes.filter(
    (vote) => vote.type === 'prevote' && vote.round === validRound && vote.valueId === valueId,
  );
  network.log.proposals.push(proposal);
  sendTo(network, made.targets, { kind: 'proposal', proposal, polka: proof });
}

function sendTo(network: Network, targets: number, message: Message): void {
  for (const node of targetsOf(network, targets)) node.inbox.unshift(message);
}

function valuesSeen(network: Network): string[] {
  return [...new Set(network.log.proposals.map(({ valueId }) => valueId))];
}
