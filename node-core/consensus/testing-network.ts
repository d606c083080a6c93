// A network of cores for the property tests. It does to messages, timers and machines whatever the moves say: late,
// twice, never, in any order, lies, crashes between any two outputs. What was signed by anyone is in `log`, where
// testing-judge.ts looks.

import {
  type Checkpoint,
  type ConsensusState,
  checkpoint,
  decidedWithoutProposal,
  type Input,
  initial,
  type Member,
  type Output,
  type Proposal,
  polka,
  resume,
  step,
  type TimeoutStep,
  type Vote,
  type VoteType,
  votesToResend,
} from './index.ts';
import { forge, lie } from './testing-liars.ts';

export type Message =
  | { readonly kind: 'proposal'; readonly proposal: Proposal; readonly polka: readonly Vote[] }
  | { readonly kind: 'votes'; readonly votes: readonly Vote[] };

/** Numbers that pick something are taken modulo the number of things to pick from. */
export type Move =
  | { kind: 'deliver'; node: number; message: number; again: boolean; crashAfter: number | null }
  /** Those among `targets` (one bit each) get so much of their mail, and then, if `late`, their timers run out. */
  | { kind: 'flow'; targets: number; limit: number; late: boolean }
  | { kind: 'lose'; node: number; message: number }
  | { kind: 'expire'; node: number; timer: number; crashAfter: number | null }
  | { kind: 'stray'; node: number; step: TimeoutStep; round: number }
  | { kind: 'crash'; node: number }
  /** From here on its other key signs, as after every crash. */
  | { kind: 'failOver'; node: number }
  | { kind: 'resend'; node: number }
  | { kind: 'lie'; liar: number; type: VoteType; round: number; value: number; targets: number; withOthers: boolean }
  | { kind: 'forge'; liar: number; round: number; value: number; validRound: number; targets: number };

export interface Node {
  readonly self: number;
  state: ConsensusState;
  /** The vote record: all that survives a crash, with the own proposals. */
  record: { checkpoint: Checkpoint; ownVotes: Vote[] } | null;
  readonly ownProposals: Proposal[];
  /** Which of its keys signs. */
  key: 0 | 1;
  /** Which of its keys has signed in a round; the other one does not any more. */
  readonly keyOf: Map<number, 0 | 1>;
  abstentions: number;
  inbox: Message[];
  timers: { step: TimeoutStep; round: number }[];
  lives: number;
  decision: { round: number; valueId: string; precommits: readonly Vote[] } | null;
}

export interface Network {
  readonly members: readonly Member[];
  readonly liars: readonly number[];
  /** The correct validators. */
  readonly nodes: readonly Node[];
  readonly log: { votes: Vote[]; proposals: Proposal[]; accused: number[] };
  /** How many of ten fresh proposals a validator finds untimely. */
  readonly salt: number;
  isSynchronous: boolean;
}

export const TEST_HEIGHT = 4;

export function createNetwork(members: readonly Member[], liars: readonly number[], salt: number): Network {
  const correct = members.map((_, index) => index).filter((index) => !liars.includes(index));
  const nodes = correct.map((self): Node => {
    const state = initial(TEST_HEIGHT, members, self);
    const own = { record: null, ownProposals: [], key: 0 as const, keyOf: new Map(), abstentions: 0 };
    return { self, state, ...own, inbox: [], timers: [], lives: 1, decision: null };
  });
  const network: Network = {
    members,
    liars,
    nodes,
    log: { votes: [], proposals: [], accused: [] },
    salt,
    isSynchronous: false,
  };
  for (const node of nodes) act(network, node, [{ kind: 'start' }]);
  return network;
}

export function move(network: Network, made: Move): void {
  if (made.kind === 'lie') lie(network, made);
  if (made.kind === 'forge') forge(network, made);
  if (made.kind === 'flow') {
    const chosen = targetsOf(network, made.targets);
    drain(network, chosen, made.limit);
    if (made.late) expireDue(network, chosen);
  }
  const node = 'node' in made ? pick(network.nodes, made.node) : undefined;
  if (node === undefined) return;
  if (made.kind === 'deliver') {
    const message = pick(node.inbox, made.message);
    if (message === undefined) return;
    if (!made.again) node.inbox = node.inbox.filter((other) => other !== message);
    receive(network, node, message, made.crashAfter);
  }
  if (made.kind === 'lose') node.inbox.splice(made.message % (node.inbox.length || 1), 1);
  if (made.kind === 'expire') {
    const timer = pick(node.timers, made.timer);
    if (timer !== undefined) expire(network, node, timer, made.crashAfter);
  }
  if (made.kind === 'stray') act(network, node, [{ kind: 'timeout', step: made.step, round: made.round }]);
  if (made.kind === 'crash') crash(network, node);
  if (made.kind === 'failOver') node.key = otherKey(node);
  if (made.kind === 'resend') resend(network, node);
}

/**
 * From now on the network is good and the liars are silent; what was under way is lost, and peers have nothing but
 * what the core tells them to resend. Returns the number of rounds of sending that it took until all had decided.
 */
export function settleDown(network: Network, maxCycles: number): number {
  network.isSynchronous = true;
  for (const node of network.nodes) node.inbox = [];
  for (let cycle = 0; cycle < maxCycles; cycle += 1) {
    if (network.nodes.every(({ decision }) => decision !== null)) return cycle;
    for (const node of network.nodes) resend(network, node);
    drain(network, network.nodes);
    fetchBlocks(network);
    expireDue(network, network.nodes);
    drain(network, network.nodes);
    fetchBlocks(network);
  }
  return maxCycles;
}

function expireDue(network: Network, nodes: readonly Node[]): void {
  for (const node of nodes) {
    const timer = node.timers.find(({ step: of, round }) => round === node.state.round && isDue(node.state, of));
    if (timer !== undefined) expire(network, node, timer, null);
  }
}

function isDue(state: ConsensusState, timeoutStep: TimeoutStep): boolean {
  return timeoutStep === 'precommit' || timeoutStep === state.step;
}

function drain(network: Network, nodes: readonly Node[], limit = Number.POSITIVE_INFINITY): void {
  let left = limit;
  for (let node = nodes.find(hasMail); node !== undefined && left > 0; node = nodes.find(hasMail)) {
    left -= 1;
    const message = node.inbox.shift();
    if (message !== undefined) receive(network, node, message, null);
  }
}

/** What the runtime does for a block that the others decided and that is not here. */
function fetchBlocks({ nodes }: Network): void {
  for (const node of nodes) {
    const blocked = decidedWithoutProposal(node.state);
    if (blocked?.reason === 'unknown') node.decision ??= blocked;
  }
}

function hasMail(node: Node): boolean {
  return node.inbox.length > 0;
}

function receive(network: Network, node: Node, message: Message, crashAfter: number | null): void {
  const inputs: Input[] = [];
  if (message.kind === 'votes') {
    const [first] = message.votes;
    if (message.votes.length === 1 && first !== undefined) inputs.push({ kind: 'vote', vote: first });
    else inputs.push({ kind: 'votes', votes: message.votes });
  } else {
    const { proposal } = message;
    const isTimely = network.isSynchronous || (node.self * 5 + proposal.round * 3) % 10 >= network.salt;
    inputs.push({ kind: 'proposal', proposal, valid: isCorrectBlock(proposal.valueId), timely: isTimely });
    inputs.push({ kind: 'votes', votes: message.polka });
  }
  act(network, node, inputs, crashAfter);
}

export function isCorrectBlock(valueId: string): boolean {
  return !valueId.startsWith('bad');
}

function expire(network: Network, node: Node, timer: Node['timers'][number], crashAfter: number | null): void {
  node.timers = node.timers.filter((other) => other !== timer);
  act(network, node, [{ kind: 'timeout', ...timer }], crashAfter);
}

function resend(network: Network, node: Node): void {
  for (const votes of votesToResend(node.state)) broadcast(network, node.self, { kind: 'votes', votes });
  const current = node.ownProposals.find(({ round }) => round === node.state.round);
  if (current !== undefined) sendProposal(network, node, current);
}

function sendProposal(network: Network, node: Node, proposal: Proposal): void {
  const isReproposal = proposal.validRound >= 0;
  broadcast(network, node.self, { kind: 'proposal', proposal, polka: isReproposal ? polka(node.state) : [] });
}

function broadcast(network: Network, from: number, message: Message): void {
  for (const node of network.nodes) if (node.self !== from) node.inbox.push(message);
}

/** What the runtime does with inputs: own messages come back as inputs, and a crash may come before any output. */
function act(network: Network, node: Node, inputs: readonly Input[], crashAfter: number | null = null): void {
  const queue = [...inputs];
  let done = 0;
  for (let input = queue.shift(); input !== undefined; input = queue.shift()) {
    const made = step(node.state, input);
    node.state = made.state;
    for (const output of made.outputs) {
      if (done === crashAfter) {
        crash(network, node);
        return;
      }
      done += 1;
      queue.push(...carryOut(network, node, output));
    }
  }
}

function carryOut(network: Network, node: Node, output: Output): Input[] {
  const { self } = node;
  switch (output.kind) {
    case 'getValue':
      return [{ kind: 'value', round: output.round, valueId: `v${self}.${output.round}.${node.lives}` }];
    case 'propose': {
      const { round, valueId, validRound } = output;
      if (!mayKeySign(node, round)) return [];
      const proposal: Proposal = { height: TEST_HEIGHT, round, valueId, validRound, proposer: self };
      node.ownProposals.push(proposal);
      network.log.proposals.push(proposal);
      sendProposal(network, node, proposal);
      return [{ kind: 'proposal', proposal, valid: true, timely: true }];
    }
    case 'vote': {
      const { type, round, valueId } = output;
      if (!mayKeySign(node, round)) {
        node.abstentions += 1;
        return [{ kind: 'abstained', round }];
      }
      const vote = sign(type, self, round, valueId, node.key);
      node.record = { checkpoint: checkpoint(node.state), ownVotes: [...(node.record?.ownVotes ?? []), vote] };
      network.log.votes.push(vote);
      broadcast(network, self, { kind: 'votes', votes: [vote] });
      return [{ kind: 'vote', vote }];
    }
    case 'scheduleTimeout':
      node.timers.push({ step: output.step, round: output.round });
      return [];
    case 'decide':
      node.decision = output;
      return [];
    case 'equivocation':
      network.log.accused.push(output.second.validator);
      return [];
    case 'conflictingProposals':
      network.log.accused.push(output.second.proposer);
      return [];
  }
}

/** The machine stops and comes back with its record and its own proposals. A decision is durable (the block store). */
function crash(network: Network, node: Node): void {
  const { self, record } = node;
  node.lives += 1;
  node.key = otherKey(node);
  node.timers = [];
  node.state =
    record === null
      ? initial(TEST_HEIGHT, network.members, self)
      : resume(TEST_HEIGHT, network.members, self, record.checkpoint, record.ownVotes);
  const proposals = node.ownProposals.map(
    (proposal): Input => ({ kind: 'proposal', proposal, valid: true, timely: true }),
  );
  act(network, node, [...proposals, { kind: 'start' }]);
}

/** One round, one key. */
function mayKeySign({ key, keyOf }: Node, round: number): boolean {
  if (!keyOf.has(round)) keyOf.set(round, key);
  return keyOf.get(round) === key;
}

function otherKey({ key }: Node): 0 | 1 {
  return key === 0 ? 1 : 0;
}

export function targetsOf({ nodes }: Network, targets: number): readonly Node[] {
  return nodes.filter((_, index) => (targets >> index) % 2 === 1);
}

export function sign(type: VoteType, validator: number, round: number, valueId: string | null, key: 0 | 1): Vote {
  const signature = Uint8Array.of(validator);
  return { type, height: TEST_HEIGHT, round, valueId, validator, key, signature };
}

export function pick<Item>(items: readonly Item[], number: number): Item | undefined {
  return items[number % items.length];
}
