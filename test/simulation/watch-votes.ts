/**
 * Watches everything that is sent, with a reading of the rules of its own: thresholds are computed here anew, so that
 * a wrong one in the product cannot hide itself.
 */
import { voteMessage } from '../../node-core/chain/votes.ts';
import { toHex } from '../../node-core/codec/bytes.ts';
import { decodeMessage, type Message, type WireVote } from '../../node-core/runtime/messages.ts';
import { isMoreThanTwoThirds } from './set-book.ts';
import type { World } from './world.ts';

/** Whose connection it went out on. */
export interface Sender {
  readonly name: string;
  readonly isCorrect: boolean;
  /** What its disk holds may be wrong. */
  readonly isDamaged: boolean;
}

/** Nobody who keeps to the protocol votes further ahead of the newest final block. */
const FAR_AHEAD = 3;

export class VoteWatch {
  private readonly world: World;
  private readonly seen = new Set<string>();
  private readonly votes = new Map<string, string>();
  private readonly proposals = new Map<string, string>();
  private readonly keys = new Map<string, number>();
  private readonly support = new Map<string, Set<number>>();
  private readonly decided = new Map<number, string>();
  /** Of heights whose set nobody knows yet, by height. */
  private readonly waiting = new Map<number, { readonly sender: Sender; readonly row: WireVote }[]>();
  private last: { readonly bytes: Uint8Array; readonly isCorrect: boolean } | null = null;

  constructor(world: World) {
    this.world = world;
  }

  sent(sender: Sender, bytes: Uint8Array): void {
    const { name, isCorrect } = sender;
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
    if (message[0] === 'votes') for (const vote of message[1]) this.vote(sender, vote);
    if (message[0] !== 'proposal' && message[0] !== 'compactProposal') return;
    for (const vote of message[8]) this.vote(sender, vote);
    if (isCorrect) this.proposal(message);
  }

  /** The set of this height is known now: what was said of it before is judged. */
  heightKnown(height: number): void {
    for (const { sender, row } of this.waiting.get(height) ?? []) this.vote(sender, row);
    this.waiting.delete(height);
  }

  private vote(sender: Sender, row: WireVote): void {
    const ahead = row[1] - this.world.sets.knownTo;
    if (ahead > 0) {
      if (ahead <= FAR_AHEAD) this.waiting.set(row[1], [...(this.waiting.get(row[1]) ?? []), { sender, row }]);
      return;
    }
    const [type, height, round, block, validator, key, signature] = row;
    const value = block === null ? 'nil' : toHex(block[0]) + toHex(block[1]);
    const identity = `${type}/${height}/${round}/${validator}`;
    const whole = `${identity}/${value}/${key}/${toHex(signature)}`;
    if (this.seen.has(whole)) return;
    const isSigned = this.isSigned(row);
    checkOnlySigned(this.world, sender, isSigned, identity);
    if (!isSigned) return;
    this.seen.add(whole);
    const isCorrect = this.isCorrect(height, validator);
    checkSingleVote(this.world, isCorrect, this.votes, identity, `${value} with key ${key}`);
    if (isCorrect) checkOneKey(this.world, this.keys, `${height}/${round}/${validator}`, key);
    if (type === 1 && block !== null) this.tally(height, round, value, validator);
  }

  /** Whether the validator with this index keeps to the protocol, whichever of its keys signs. */
  private isCorrect(height: number, index: number): boolean {
    const member = this.world.sets.at(height).validators[index];
    return member !== undefined && !this.world.isLiar(member.id);
  }

  private isSigned([type, height, round, block, validator, keyIndex, signature]: WireVote): boolean {
    const { crypto, consortium } = this.world;
    const member = this.world.sets.at(height).validators[validator];
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
    if (isMoreThanTwoThirds(this.world.sets.at(height), [...voters]))
      checkOneCertificate(this.world, this.decided, height, value);
  }

  private proposal(message: Extract<Message, readonly ['proposal' | 'compactProposal', ...unknown[]]>): void {
    const [, height, round, validRound, proposer, key, signature] = message;
    if (!this.isCorrect(height, proposer)) return;
    const identity = `${height}/${round}/${proposer}`;
    checkSingleProposal(this.world, this.proposals, identity, `${validRound}/${toHex(signature)}`);
    checkOneKey(this.world, this.keys, identity, key);
  }
}

/** A correct machine sends no vote that nobody of the set of its height has signed, its own or another's. */
function checkOnlySigned(world: World, sender: Sender, isSigned: boolean, identity: string): void {
  if (isSigned || !sender.isCorrect || sender.isDamaged) return;
  world.fail('stray vote', `${sender.name} sent type/height/round/validator ${identity}, signed by nobody of the set`);
}

/**
 * No correct validator signs two votes for one (type, height, round), in all its lives together: neither two different
 * ones nor, with its standby key, the same one again.
 */
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
    world.fail('double vote', `type/height/round/validator ${identity} voted ${brief(before)} and ${brief(value)}`);
  }
}

function brief(vote: string): string {
  return vote.replace(/^([0-9a-f]{8})[0-9a-f]+/, '$1');
}

/** Nor does one sign in one round with both of its keys, votes and proposals together. */
function checkOneKey(world: World, keys: Map<string, number>, identity: string, key: number): void {
  const before = keys.get(identity);
  if (before === undefined) keys.set(identity, key);
  else if (before !== key)
    world.fail('two keys', `height/round/validator ${identity} signed with key ${before} and with key ${key}`);
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
