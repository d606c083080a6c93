/**
 * Watches everything that is sent, with a reading of the rules of its own: thresholds are computed here anew, so that
 * a wrong one in the product cannot hide itself.
 */
import { voteMessage } from '../../node-core/chain/votes.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import { decodeMessage, type Message, type WireVote } from '../../node-core/runtime/messages.ts';
import type { World } from './world.ts';

export class VoteWatch {
  private readonly world: World;
  /** Indices of validators that keep to the protocol. */
  private readonly correct: ReadonlySet<number>;
  private readonly seen = new Set<string>();
  private readonly votes = new Map<string, string>();
  private readonly proposals = new Map<string, string>();
  private readonly support = new Map<string, Set<number>>();
  private readonly decided = new Map<number, string>();
  private last: { readonly bytes: Uint8Array; readonly isCorrect: boolean } | null = null;

  constructor(world: World, correct: ReadonlySet<number>) {
    this.world = world;
    this.correct = correct;
  }

  sent(name: string, isCorrect: boolean, bytes: Uint8Array): void {
    // A broadcast is the same bytes for each receiver.
    if (this.last?.bytes === bytes && this.last.isCorrect === isCorrect) return;
    this.last = { bytes, isCorrect };
    let message: Message;
    try {
      message = decodeMessage(bytes);
    } catch (error) {
      if (isCorrect) this.world.fail('messages', `${name} sent what no peer can decode: ${String(error)}`);
      return;
    }
    if (message[0] === 'votes') for (const vote of message[1]) this.vote(vote);
    if (message[0] !== 'proposal' && message[0] !== 'compactProposal') return;
    for (const vote of message[8]) this.vote(vote);
    if (isCorrect) this.proposal(message);
  }

  private vote(row: WireVote): void {
    const [type, height, round, block, validator, key, signature] = row;
    const value = block === null ? 'nil' : toHex(block[0]) + toHex(block[1]);
    const identity = `${type}/${height}/${round}/${validator}`;
    const whole = `${identity}/${value}/${key}/${toHex(signature)}`;
    if (this.seen.has(whole) || !this.isSigned(row)) return;
    this.seen.add(whole);
    checkSingleVote(this.world, this.correct.has(validator), this.votes, identity, value);
    if (type === 1 && block !== null) this.tally(height, round, value, validator);
  }

  private isSigned([type, height, round, block, validator, keyIndex, signature]: WireVote): boolean {
    const { crypto, consortium } = this.world;
    const member = consortium.genesis.validators.validators[validator];
    const key = member?.keys[keyIndex];
    if (member === undefined || key === undefined) return false;
    const scope = { chain: consortium.genesis.hash, protocolVersion: 1, height, round, validator: member.id, key };
    const reference = block === null ? null : { headerHash: block[0], logRoot: block[1] };
    return crypto.verify(key, voteMessage(crypto, type === 0 ? 'prevote' : 'precommit', scope, reference), signature);
  }

  private tally(height: number, round: number, value: string, validator: number): void {
    const at = `${height}/${round}/${value}`;
    const voters = this.support.get(at) ?? new Set();
    this.support.set(at, voters.add(validator));
    const { validators } = this.world.consortium.genesis.validators;
    const power = [...voters].reduce((sum, index) => sum + validators[index]!.power, 0);
    const total = validators.reduce((sum, member) => sum + member.power, 0);
    if (power * 3 > total * 2) checkOneCertificate(this.world, this.decided, height, value);
  }

  private proposal(message: Extract<Message, readonly ['proposal' | 'compactProposal', ...unknown[]]>): void {
    const [, height, round, validRound, proposer, , signature] = message;
    if (!this.correct.has(proposer)) return;
    const identity = `${height}/${round}/${proposer}`;
    checkSingleProposal(this.world, this.proposals, identity, `${validRound}/${toHex(signature)}`);
  }
}

/** No correct validator signs two different votes for one (type, height, round), in all its lives together. */
function checkSingleVote(
  world: World,
  isCorrect: boolean,
  votes: Map<string, string>,
  identity: string,
  value: string,
): void {
  const before = votes.get(identity);
  if (before === undefined) votes.set(identity, value);
  else if (before !== value && isCorrect) {
    world.fail(
      'double vote',
      `type/height/round/validator ${identity} voted ${before.slice(0, 8)} and ${value.slice(0, 8)}`,
    );
  }
}

/** Nor two proposals for one (height, round). */
function checkSingleProposal(world: World, proposals: Map<string, string>, identity: string, value: string): void {
  const before = proposals.get(identity);
  if (before === undefined) proposals.set(identity, value);
  else if (before !== value) world.fail('double proposal', `height/round/validator ${identity} proposed twice`);
}

/**
 * No two certificates for different blocks at one height anywhere: not even two that somebody could put together from
 * all precommits that were ever sent, by liars too.
 */
function checkOneCertificate(world: World, decided: Map<number, string>, height: number, value: string): void {
  const before = decided.get(height);
  if (before === undefined) decided.set(height, value);
  else if (before !== value) {
    world.fail(
      'two certificates',
      `height ${height}: more than 2/3 precommitted ${before.slice(0, 8)} and ${value.slice(0, 8)}`,
    );
  }
}
