// What must hold of every run of the network, said without any code of the core: thresholds are computed anew here.

import type { Member, Vote, VoteType } from './index.ts';
import { isCorrectBlock, type Network } from './testing-network.ts';

/** Every broken promise, in words; an empty list for a good run. */
export function findFaults(network: Network): string[] {
  const correct = network.nodes.map(({ self }) => self);
  return [
    ...disagreements(network),
    ...badDecisions(network),
    ...correct.flatMap((self) => [
      ...doubleVotes(network, self),
      ...mixedKeys(network, self),
      ...unprovenPrecommits(network, self),
      ...amnesia(network, self),
      ...doubleProposals(network, self),
    ]),
    ...network.log.accused.filter((of) => correct.includes(of)).map((of) => `correct validator ${of} is accused`),
  ];
}

function disagreements({ nodes }: Network): string[] {
  const values = new Set(nodes.flatMap(({ decision }) => decision?.valueId ?? []));
  return values.size > 1 ? [`agreement: decided were ${[...values].join(' and ')}`] : [];
}

function badDecisions({ nodes, members, log }: Network): string[] {
  return nodes.flatMap(({ self, decision }) => {
    if (decision === null) return [];
    const { round, valueId, precommits } = decision;
    const who = `validator ${self} decided ${valueId} in round ${round}`;
    const isFor = (vote: Vote) => vote.type === 'precommit' && vote.round === round && vote.valueId === valueId;
    const order = precommits.map(({ validator }) => validator);
    const sorted = [...new Set(order)].sort((a, b) => a - b);
    const faults: string[] = [];
    if (!isCorrectBlock(valueId)) faults.push(`validity: ${who}, a wrong block`);
    if (!log.proposals.some((proposal) => proposal.valueId === valueId))
      faults.push(`validity: ${who}, never proposed`);
    if (!precommits.every(isFor) || !isMoreThanTwoThirds(members, precommits))
      faults.push(`certificate: ${who} without`);
    if (order.join() !== sorted.join()) faults.push(`certificate: ${who} with the precommits of ${order.join()}`);
    return faults;
  });
}

function doubleVotes({ log }: Network, self: number): string[] {
  const own = log.votes.filter(({ validator }) => validator === self);
  const slots = own.map(({ type, round }) => `${type} of round ${round}`);
  const twice = slots.filter((slot, index) => slots.indexOf(slot) !== index);
  return twice.map((slot) => `double vote: validator ${self} signed its ${slot} more than once`);
}

/** ADR 0027: in one round one key signs. */
function mixedKeys({ log }: Network, self: number): string[] {
  const own = log.votes.filter(({ validator }) => validator === self);
  const mixed = own.filter((vote) => own.some(({ round, key }) => round === vote.round && key < vote.key));
  return mixed.map(({ round }) => `two keys: validator ${self} signed with both in round ${round}`);
}

/** L36: who precommits a value has seen more than 2/3 prevote it. */
function unprovenPrecommits(network: Network, self: number): string[] {
  return votesBy(network, self, 'precommit')
    .filter(({ round, valueId }) => !isCorrectBlock(valueId) || !hasPolka(network, round, valueId))
    .map(
      ({ round, valueId }) => `precommit: validator ${self} precommitted ${valueId} in round ${round} without a polka`,
    );
}

/** L23, L29: who precommitted a value prevotes another only with a polka for it that is not older. */
function amnesia(network: Network, self: number): string[] {
  const prevotes = votesBy(network, self, 'prevote');
  return votesBy(network, self, 'precommit').flatMap((locked) =>
    prevotes
      .filter(({ round, valueId }) => round > locked.round && valueId !== locked.valueId)
      .filter(({ round, valueId }) => !roundsFrom(locked.round, round).some((vr) => hasPolka(network, vr, valueId)))
      .map(({ round, valueId }) => {
        const before = `${locked.valueId} in round ${locked.round}`;
        return `amnesia: validator ${self} precommitted ${before} and prevoted ${valueId} in round ${round}`;
      }),
  );
}

function doubleProposals({ log }: Network, self: number): string[] {
  const rounds = log.proposals.filter(({ proposer }) => proposer === self).map(({ round }) => round);
  const twice = rounds.filter((round, index) => rounds.indexOf(round) !== index);
  return twice.map((round) => `double proposal: validator ${self} proposed more than once in round ${round}`);
}

/** The votes of a validator for values, nil left out. */
function votesBy({ log }: Network, self: number, type: VoteType): { round: number; valueId: string }[] {
  return log.votes.flatMap(({ validator, type: of, round, valueId }) =>
    validator === self && of === type && valueId !== null ? [{ round, valueId }] : [],
  );
}

function hasPolka({ members, log }: Network, round: number, valueId: string): boolean {
  const prevotes = log.votes.filter(
    (vote) => vote.type === 'prevote' && vote.round === round && vote.valueId === valueId,
  );
  return isMoreThanTwoThirds(members, prevotes);
}

function isMoreThanTwoThirds(members: readonly Member[], votes: readonly Vote[]): boolean {
  const voters = new Set(votes.map(({ validator }) => validator));
  let behind = 0;
  let total = 0;
  for (const [index, { power }] of members.entries()) {
    total += power;
    if (voters.has(index)) behind += power;
  }
  return behind / total > 2 / 3 + 1e-9;
}

function roundsFrom(first: number, end: number): number[] {
  return Array.from({ length: end - first }, (_, index) => first + index);
}
