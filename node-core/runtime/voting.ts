/**
 * The hand that signs. Every signature of the height and the lock go through the vote record by compare-and-swap
 * before they leave; a second copy of the same validator loses and never signs again.
 */

import type { ValidatorSet } from '../chain/validator-set.ts';
import { proposalMessage, voteMessage } from '../chain/votes.ts';
import { equal } from '../codec/bytes.ts';
import { decode, encode } from '../codec/cbor.ts';
import { array, fixedBytes, type Infer, nullable, oneOf, tuple, uint } from '../codec/schema.ts';
import type { Checkpoint, RoundValue, Vote } from '../consensus/types.ts';
import type { CryptoProvider } from '../crypto/provider.ts';
import type { Signer } from '../ports/signer.ts';
import type { VoteRecord, VoteRecordPosition } from '../ports/vote-record.ts';
import { wireVote } from './messages.ts';
import { blockOf, fromWire, scopeOf, toWire, valueIdOf } from './vote-wire.ts';

const STEPS = ['newRound', 'propose', 'prevote', 'precommit', 'commit'] as const;
const roundValue = nullable(tuple(uint(), fixedBytes(32), fixedBytes(32)));
const votes = array(wireVote, { max: 4_096 });

const proposals = array(tuple(uint(), fixedBytes(64)), { max: 4_096 });

/** [height, round, step, locked, valid, polka, entry, own votes, own proposals as [round, signature]]. */
const recordSchema = tuple(uint(), uint(), oneOf(...STEPS), roundValue, roundValue, votes, votes, votes, proposals);
type RecordRow = Infer<typeof recordSchema>;
const RECORD_LIMITS = { maxBytes: 4 << 20, maxDepth: 6, maxItems: 200_000 };

interface OwnProposal {
  readonly round: number;
  readonly signature: Uint8Array;
}

export interface Recorded {
  readonly height: number;
  readonly checkpoint: Checkpoint;
  readonly ownVotes: readonly Vote[];
  readonly ownProposals: readonly OwnProposal[];
}

/** This validator must not sign any more; the message says why. */
export class VotingStopped extends Error {
  override readonly name = 'VotingStopped';
}

export interface VotingIdentity {
  /** Index in the validator set. */
  readonly index: number;
  /** Which of its keys signs: 0 primary, 1 standby. */
  readonly key: 0 | 1;
  readonly signer: Signer;
}

export class Voting {
  /** Where it stands in the set that it follows; the genesis' until {@link follow} was called. */
  identity: VotingIdentity;
  private readonly crypto: CryptoProvider;
  private readonly record: VoteRecord;
  private readonly chain: Uint8Array;
  private readonly protocolVersion: number;
  private position: VoteRecordPosition;
  private current: Recorded | null;
  private stopped: string | null = null;

  private constructor(
    scope: { readonly crypto: CryptoProvider; readonly chain: Uint8Array; readonly protocolVersion: number },
    identity: VotingIdentity,
    record: VoteRecord,
    opened: { readonly position: VoteRecordPosition; readonly bytes: Uint8Array | null },
  ) {
    this.crypto = scope.crypto;
    this.chain = scope.chain;
    this.protocolVersion = scope.protocolVersion;
    this.identity = identity;
    this.record = record;
    this.position = opened.position;
    this.current = opened.bytes === null ? null : decodeRecord(opened.bytes);
  }

  /** Takes a new epoch: whoever else holds the record can no longer write it. */
  static async open(
    scope: { readonly crypto: CryptoProvider; readonly chain: Uint8Array; readonly protocolVersion: number },
    identity: VotingIdentity,
    record: VoteRecord,
  ): Promise<Voting> {
    return new Voting(scope, identity, record, await record.open());
  }

  /** Which validator of this set signs with our key, and which of its keys that is; null when none does. */
  placeIn(set: ValidatorSet): Pick<VotingIdentity, 'index' | 'key'> | null {
    const { suite, bytes } = this.identity.signer.publicKey;
    for (const [index, { keys }] of set.validators.entries()) {
      const key = keys.findIndex((one) => one.suite === suite && equal(one.bytes, bytes));
      if (key !== -1) return { index, key: key as 0 | 1 };
    }
    return null;
  }

  /** From here on it signs as a member of this set; false when it is none. */
  follow(set: ValidatorSet): boolean {
    const place = this.placeIn(set);
    if (place === null) return false;
    this.identity = { ...place, signer: this.identity.signer };
    return true;
  }

  /** What the record holds: null for a validator that has never signed. */
  get recorded(): Recorded | null {
    return this.current;
  }

  /** Whether the record is of `height`; a height below the recorded one must never be voted in again. */
  covers(height: number): boolean {
    return this.current === null || this.current.height <= height;
  }

  /** Whether a vote with our signature is one that we have no record of. */
  isForeign(vote: Vote): boolean {
    // Of heights before the recorded one the record no longer speaks.
    if (this.current !== null && this.current.height > vote.height) return false;
    const mine = this.current?.height === vote.height ? this.current.ownVotes : [];
    return !mine.some((own) => own.type === vote.type && own.round === vote.round && own.valueId === vote.valueId);
  }

  /** Ends all signing, for good. */
  stop(reason: string): void {
    this.stopped ??= reason;
  }

  async vote(
    set: ValidatorSet,
    vote: Omit<Vote, 'validator' | 'key' | 'signature'>,
    checkpoint: Checkpoint,
  ): Promise<Vote> {
    this.assertMaySign(vote.height);
    const mine = { ...vote, validator: this.identity.index, key: this.identity.key };
    const block = vote.valueId === null ? null : blockOf(vote.valueId);
    const message = voteMessage(this.crypto, vote.type, this.scope(set, mine), block);
    const signed: Vote = { ...mine, signature: await this.identity.signer.sign(message) };
    const before = this.ofHeight(vote.height);
    await this.swap({ ...before, checkpoint, ownVotes: [...before.ownVotes, signed] });
    return signed;
  }

  /**
   * Signs a proposal; null when this round has one already, which only a lost store can bring about. `keep` makes the
   * signed proposal durable; it happens before the record lets the signature out.
   */
  async propose(
    set: ValidatorSet,
    proposal: {
      readonly height: number;
      readonly round: number;
      readonly valueId: string;
      readonly validRound: number;
    },
    checkpoint: Checkpoint,
    keep: (signature: Uint8Array) => Promise<void>,
  ): Promise<Uint8Array | null> {
    const { height, round, valueId, validRound } = proposal;
    this.assertMaySign(height);
    const before = this.ofHeight(height);
    if (before.ownProposals.some((own) => own.round === round)) return null;
    const scope = this.scope(set, { height, round, validator: this.identity.index, key: this.identity.key });
    const signature = await this.identity.signer.sign(
      proposalMessage(this.crypto, scope, blockOf(valueId), validRound),
    );
    await keep(signature);
    await this.swap({ ...before, checkpoint, ownProposals: [...before.ownProposals, { round, signature }] });
    return signature;
  }

  /** Whether this proposal was let out: one that was only kept may never have been, and another may have. */
  hasProposed(height: number, round: number, signature: Uint8Array): boolean {
    if (this.current?.height !== height) return false;
    return this.current.ownProposals.some((own) => own.round === round && equal(own.signature, signature));
  }

  private scope(set: ValidatorSet, mine: Pick<Vote, 'height' | 'round' | 'validator' | 'key'>) {
    const scope = scopeOf(mine, set, this.chain, this.protocolVersion);
    if (scope === undefined) throw new Error('this validator is not in the set');
    return scope;
  }

  private assertMaySign(height: number): void {
    if (this.stopped !== null) throw new VotingStopped(this.stopped);
    if (!this.covers(height))
      throw new VotingStopped(`the vote record is of height ${this.current?.height}, above ${height}`);
  }

  private ofHeight(height: number): Recorded {
    if (this.current?.height === height) return this.current;
    const checkpoint: Checkpoint = { round: 0, step: 'newRound', locked: null, valid: null, polka: [], entry: [] };
    return { height, checkpoint, ownVotes: [], ownProposals: [] };
  }

  private async swap(next: Recorded): Promise<void> {
    const bytes = encodeRecord(next);
    let outcome: VoteRecordPosition | 'lost';
    try {
      outcome = await this.record.compareAndSwap(this.position, bytes);
    } catch (error) {
      outcome = await this.readBack(bytes, error);
    }
    if (outcome === 'lost') {
      this.stop('another copy of this validator holds the vote record');
      throw new VotingStopped('another copy of this validator holds the vote record');
    }
    this.position = outcome;
    this.current = next;
  }

  /** After a write with unknown outcome: the same bytes there means that it was ours; anything else ends signing. */
  private async readBack(bytes: Uint8Array, cause: unknown): Promise<VoteRecordPosition> {
    const found = await this.record.read();
    if (found.position.epoch === this.position.epoch && found.bytes !== null && equal(found.bytes, bytes))
      return found.position;
    this.stop('a write of the vote record failed');
    throw new Error('a write of the vote record failed', { cause });
  }

  async close(): Promise<void> {
    await this.record.close();
  }
}

function encodeRoundValue(value: RoundValue | null): RecordRow[3] {
  if (value === null) return null;
  const { headerHash, logRoot } = blockOf(value.valueId);
  return [value.round, headerHash, logRoot];
}

function decodeRoundValue(row: RecordRow[3]): RoundValue | null {
  return row === null ? null : { round: row[0], valueId: valueIdOf({ headerHash: row[1], logRoot: row[2] }) };
}

function encodeRecord({ height, checkpoint, ownVotes, ownProposals }: Recorded): Uint8Array {
  const { round, step, locked, valid, polka, entry } = checkpoint;
  return encode(
    recordSchema.encode([
      height,
      round,
      step,
      encodeRoundValue(locked),
      encodeRoundValue(valid),
      polka.map(toWire),
      entry.map(toWire),
      ownVotes.map(toWire),
      ownProposals.map((own) => [own.round, own.signature] as const),
    ]),
  );
}

function decodeRecord(bytes: Uint8Array): Recorded {
  const row = recordSchema.decode(decode(bytes, RECORD_LIMITS), 'vote record');
  const [height, round, step, locked, valid, polka, entry, own, proposed] = row;
  const checkpoint: Checkpoint = {
    round,
    step,
    locked: decodeRoundValue(locked),
    valid: decodeRoundValue(valid),
    polka: polka.map(fromWire),
    entry: entry.map(fromWire),
  };
  const ownProposals = proposed.map(([of, signature]) => ({ round: of, signature }));
  return { height, checkpoint, ownVotes: own.map(fromWire), ownProposals };
}
