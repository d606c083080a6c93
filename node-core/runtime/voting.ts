/**
 * The hand that signs. Every signature of the height and the lock go through the vote record by compare-and-swap
 * before they leave; a second copy of the same validator loses and never signs again.
 */

import type { ValidatorSet } from '../chain/validator-set.ts';
import { proposalMessage, type VoteScope, voteMessage } from '../chain/votes.ts';
import { equal } from '../codec/bytes.ts';
import type { Checkpoint, Vote } from '../consensus/types.ts';
import type { CryptoProvider, PublicKey } from '../crypto/provider.ts';
import type { Signer } from '../ports/signer.ts';
import type { VoteRecord, VoteRecordPosition } from '../ports/vote-record.ts';
import { type Duty, decodeRecord, encodeRecord, FIRST_DUTY, keyOfRound, type Recorded } from './recorded-votes.ts';
import { blockOf, scopeOf } from './vote-wire.ts';

/** The key that signs once the primary one cannot. */
export interface Standby {
  readonly signer: Signer;
  /** How often the operator has sent this validator back to its primary key: one more than recorded is the command. */
  readonly returns: number;
  /** The primary key has failed: told once, before the standby key signs anything. */
  readonly onFailOver: (cause: unknown) => void;
}

export interface SignedProposal {
  /** Which of the validator's keys in the set has signed. */
  readonly key: 0 | 1;
  readonly signature: Uint8Array;
}

/** This validator must not sign any more; the message says why. */
export class VotingStopped extends Error {
  override readonly name = 'VotingStopped';
}

/** What every signature is bound to, and with what it is made. */
export interface VotingScope {
  readonly crypto: CryptoProvider;
  readonly chain: Uint8Array;
  readonly protocolVersion: number;
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
  private readonly standby: Standby | null;
  /** All keys that sign for this validator. */
  private readonly publicKeys: readonly PublicKey[];
  private duty: Duty;

  private constructor(
    scope: VotingScope,
    identity: VotingIdentity,
    record: VoteRecord,
    opened: { readonly position: VoteRecordPosition; readonly bytes: Uint8Array | null },
    standby: Standby | null,
  ) {
    this.crypto = scope.crypto;
    this.chain = scope.chain;
    this.protocolVersion = scope.protocolVersion;
    this.record = record;
    this.position = opened.position;
    this.current = opened.bytes === null ? null : decodeRecord(opened.bytes);
    this.standby = standby;
    this.publicKeys = [identity.signer, ...(standby === null ? [] : [standby.signer])].map((one) => one.publicKey);
    this.duty = dutyOf(this.current?.duty ?? FIRST_DUTY, identity.signer, standby);
    this.identity = this.isOnStandby ? { ...identity, signer: standby!.signer } : identity;
  }

  /**
   * Takes a new epoch: whoever else holds the record can no longer write it.
   *
   * @param standby is there when two keys may sign. It goes on where the record says that it has, until the operator
   *   commands the way back. As the signer of `identity` as well it stands in for a primary key that could not be opened.
   */
  static async open(
    scope: VotingScope,
    identity: VotingIdentity,
    record: VoteRecord,
    standby: Standby | null = null,
  ): Promise<Voting> {
    return new Voting(scope, identity, record, await record.open(), standby);
  }

  /** Whether the standby of two keys signs. */
  get isOnStandby(): boolean {
    return this.standby !== null && this.duty.key === 'standby';
  }

  /** What {@link Standby.returns} must be at the next start for the primary key to sign again. */
  get nextReturn(): number {
    return this.duty.returns + 1;
  }

  /** Which validator of this set signs with our key, and which of its keys that is; null when none does. */
  placeIn(set: ValidatorSet): Pick<VotingIdentity, 'index' | 'key'> | null {
    return placeOf(this.identity.signer.publicKey, set);
  }

  /** Which validator of this set we are, by any of our keys. */
  indexIn(set: ValidatorSet): number | null {
    for (const key of this.publicKeys) {
      const place = placeOf(key, set);
      if (place !== null) return place.index;
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

  /** Why this validator must not sign any more; null while it may. */
  get stoppedBecause(): string | null {
    return this.stopped;
  }

  /** Ends all signing, for good. */
  stop(reason: string): void {
    this.stopped ??= reason;
  }

  /**
   * The vote with its signature: of a step that is recorded already, as it was signed. Null when it must not be signed:
   * the other of the two keys has signed in this round.
   */
  async vote(
    set: ValidatorSet,
    vote: Omit<Vote, 'validator' | 'key' | 'signature'>,
    checkpoint: Checkpoint,
  ): Promise<Vote | null> {
    this.assertMaySign(vote.height);
    const before = this.ofHeight(vote.height);
    const earlier = before.ownVotes.find((own) => own.type === vote.type && own.round === vote.round);
    if (earlier !== undefined) {
      if (earlier.valueId === vote.valueId) return earlier;
      throw new VotingStopped(`another ${vote.type} of round ${vote.round} is recorded`);
    }
    const block = vote.valueId === null ? null : blockOf(vote.valueId);
    const signed = await this.sign(set, vote, (scope) => voteMessage(this.crypto, vote.type, scope, block));
    if (signed === null) return null;
    const mine: Vote = { ...vote, validator: this.identity.index, ...signed };
    await this.swap({ ...before, checkpoint, ownVotes: [...before.ownVotes, mine], duty: this.duty });
    return mine;
  }

  /**
   * Signs a proposal; null when this round has one already, which only a lost store can bring about, or a signature of
   * the other key. `keep` makes the signed proposal durable; it happens before the record lets the signature out.
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
    keep: (signed: SignedProposal) => Promise<void>,
  ): Promise<SignedProposal | null> {
    const { height, round, valueId, validRound } = proposal;
    this.assertMaySign(height);
    const before = this.ofHeight(height);
    if (before.ownProposals.some((own) => own.round === round)) return null;
    const message = (scope: VoteScope) => proposalMessage(this.crypto, scope, blockOf(valueId), validRound);
    const signed = await this.sign(set, proposal, message);
    if (signed === null) return null;
    await keep(signed);
    const ownProposals = [...before.ownProposals, { round, ...signed }];
    await this.swap({ ...before, checkpoint, ownProposals, duty: this.duty });
    return signed;
  }

  /**
   * By the key whose turn it is. What the primary key fails to sign the standby key signs, in its place and from then on:
   * nothing of the first attempt has been recorded or let out, and should its signature still come, nobody takes it. Null
   * in a round in which the other key has signed already: no two keys of a validator sign in one round (ADR 0027).
   */
  private async sign(
    set: ValidatorSet,
    at: { readonly height: number; readonly round: number },
    messageFor: (scope: VoteScope) => Uint8Array,
  ): Promise<SignedProposal | null> {
    const { index, key, signer } = this.identity;
    const earlier = keyOfRound(this.ofHeight(at.height), at.round);
    if (earlier !== null && earlier !== key) {
      await this.recordDuty();
      return null;
    }
    const message = messageFor(this.scope(set, { height: at.height, round: at.round, validator: index, key }));
    try {
      return { key, signature: await signer.sign(message) };
    } catch (error) {
      if (!this.failOver(set, error)) throw error;
    }
    return this.sign(set, at, messageFor);
  }

  /** Which key signs from here on outlasts a restart although it has signed nothing yet. */
  private async recordDuty(): Promise<void> {
    if (this.current !== null && this.current.duty.key !== this.duty.key)
      await this.swap({ ...this.current, duty: this.duty });
  }

  /** False where there is no other key, or the set does not have it. */
  private failOver(set: ValidatorSet, cause: unknown): boolean {
    const { standby } = this;
    if (standby === null || this.isOnStandby) return false;
    const place = placeOf(standby.signer.publicKey, set);
    if (place?.index !== this.identity.index) return false;
    standby.onFailOver(cause);
    this.identity = { ...place, signer: standby.signer };
    this.duty = { ...this.duty, key: 'standby' };
    return true;
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
    return { height, checkpoint, ownVotes: [], ownProposals: [], duty: this.duty };
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

/** The standby key stays until the operator has said once more than was known when it took over that it shall go. */
function dutyOf(recorded: Duty, signer: Signer, standby: Standby | null): Duty {
  if (standby === null) return recorded;
  const isReturned = standby.returns > recorded.returns;
  const isAlone = signer === standby.signer;
  const key = isAlone || (recorded.key === 'standby' && !isReturned) ? 'standby' : 'primary';
  return { key, returns: Math.max(standby.returns, recorded.returns) };
}

function placeOf({ suite, bytes }: PublicKey, set: ValidatorSet): Pick<VotingIdentity, 'index' | 'key'> | null {
  for (const [index, { keys }] of set.validators.entries()) {
    const key = keys.findIndex((one) => one.suite === suite && equal(one.bytes, bytes));
    if (key !== -1) return { index, key: key as 0 | 1 };
  }
  return null;
}
