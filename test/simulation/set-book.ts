/**
 * Who decides which height: read from the blocks that become final, with a reading of the rules of its own. The sets that
 * headers name, and every verdict of the ledger on a change, must be what is found here.
 */
import { CODES } from '../../node-core/chain/codes.ts';
import type { Header } from '../../node-core/chain/header.ts';
import {
  SET_VALIDATORS,
  type SetValidators,
  setValidatorsBody,
} from '../../node-core/chain/operations/set-validators.ts';
import { approvalMessage, proposedSet } from '../../node-core/chain/set-approval.ts';
import { decodeTransaction } from '../../node-core/chain/transaction.ts';
import type { Validator, ValidatorSet } from '../../node-core/chain/validator-set.ts';
import { equal } from '../../node-core/codec/bytes.ts';
import { CodecError } from '../../node-core/codec/error.ts';
import { proposerIndex } from '../../node-core/consensus/index.ts';
import type { World } from './world.ts';

/** What the book reads of a final block. */
export interface FinalBlock {
  readonly header: Header;
  /** Each with the code of its result. */
  readonly transactions: readonly (readonly [bytes: Uint8Array, code: number])[];
}

type Verdict = 'applied' | 'SET_HEIGHT' | 'SET_PENDING' | 'SET_INVALID' | 'SET_NOT_APPROVED';
/** What the book cannot judge: it does not know who has which account. */
const UNJUDGED: readonly number[] = [CODES.SET_ACCOUNT.number, CODES.KEY_IN_USE.number];

export class SetBook {
  /** Is told of each height whose set has become known. */
  onKnown: (height: number) => void = () => {};
  private readonly world: World;
  private readonly sets: ValidatorSet[];
  /** The first height that the newest set decides, without another set since. */
  private since = 1;
  private waiting: { readonly from: number; readonly set: ValidatorSet } | null = null;

  constructor(world: World) {
    this.world = world;
    const { validators } = world.consortium.genesis;
    this.sets = [validators, validators];
  }

  /** The newest height whose set is known: the one after the newest final block. */
  get knownTo(): number {
    return this.sets.length - 1;
  }

  /** The set of a height; of one that is further ahead than anybody knows, the newest. */
  at(height: number): ValidatorSet {
    return this.sets[Math.min(height, this.knownTo)]!;
  }

  /** A change that is approved and waits for its height. */
  get pending(): ValidatorSet | null {
    return this.waiting?.set ?? null;
  }

  /** Index of the validator with this account at a height; −1 for none. */
  indexOf(height: number, account: Uint8Array): number {
    return this.at(height).validators.findIndex(({ id }) => equal(id, account));
  }

  proposer(height: number, round: number): Validator {
    const { validators } = this.at(height);
    return validators[proposerIndex(validators, height, round)]!;
  }

  /** The next block; those that are in the book already are passed over. */
  take({ header, transactions }: FinalBlock): void {
    const { height } = header;
    if (height !== this.knownTo) return;
    const current = this.at(height);
    for (const [bytes, code] of transactions) this.read(bytes, code, header);
    let next = current;
    if (this.waiting?.from === height + 1) {
      next = this.waiting.set;
      this.since = height + 1;
      this.waiting = null;
      this.world.count('set changes in force');
    }
    this.sets.push(next);
    checkNamedSets(this.world, header, current, next);
    this.onKnown(height + 1);
  }

  private read(bytes: Uint8Array, code: number, { chain, protocolVersion, height }: Header): void {
    // The type stands in the bytes as it is: few need decoding.
    if (!Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(SET_VALIDATORS)) return;
    const transaction = decodeTransaction(bytes, chain, protocolVersion);
    if ('code' in transaction) return;
    for (const { type, body } of transaction.operations) {
      if (type !== SET_VALIDATORS) continue;
      const change = setValidatorsBody.decode(body, 'body');
      const set = this.setOf(change);
      const verdict = this.verdict(change, set, height);
      checkVerdict(this.world, height, verdict, code);
      if (code === 0 && set !== null) this.waiting = { from: change.effectiveHeight, set };
    }
  }

  private setOf(change: SetValidators): ValidatorSet | null {
    try {
      return proposedSet(this.world.crypto, change);
    } catch (error) {
      if (error instanceof CodecError) return null;
      throw error;
    }
  }

  private verdict(change: SetValidators, set: ValidatorSet | null, height: number): Verdict {
    if (change.effectiveHeight <= height) return 'SET_HEIGHT';
    if (this.waiting !== null) return 'SET_PENDING';
    const current = this.at(height);
    if (set === null || equal(set.hash, current.hash)) return 'SET_INVALID';
    return this.isApproved(change, current, set) ? 'applied' : 'SET_NOT_APPROVED';
  }

  /** More than 2/3 of the power in force, each with one good signature, and none that is not good. */
  private isApproved(
    { effectiveHeight, approvals }: SetValidators,
    current: ValidatorSet,
    next: ValidatorSet,
  ): boolean {
    const { crypto, consortium } = this.world;
    const { hash: chain } = consortium.genesis;
    const { since } = this;
    const facts = { chain, protocolVersion: 1, current: current.hash, since, next: next.hash, effectiveHeight };
    const approvers = new Map<number, number>();
    for (const [index, keyIndex, signature] of approvals) {
      const validator = current.validators[index];
      const key = validator?.keys[keyIndex];
      if (validator === undefined || key === undefined || approvers.has(index)) return false;
      if (!crypto.verify(key, approvalMessage(crypto, facts, validator, key), signature)) return false;
      approvers.set(index, validator.power);
    }
    return isMoreThanTwoThirds(current, [...approvers.keys()]);
  }
}

/** The power of these indices against all of it. */
export function isMoreThanTwoThirds(
  { validators }: Pick<ValidatorSet, 'validators'>,
  indices: readonly number[],
): boolean {
  const power = indices.reduce((sum, index) => sum + validators[index]!.power, 0);
  const total = validators.reduce((sum, member) => sum + member.power, 0);
  return power * 3 > total * 2;
}

/** The header of a final block names the set that decides it, and the one that decides the next. */
function checkNamedSets(world: World, header: Header, current: ValidatorSet, next: ValidatorSet): void {
  const { height } = header;
  if (!equal(header.validatorsHash, current.hash))
    world.fail('set', `block ${height} names another set than the one in force`);
  if (!equal(header.nextValidatorsHash, next.hash))
    world.fail('set', `block ${height} hands over to another set than the one that was approved`);
}

/** A change is applied when it may be, and refused for the reason there is. */
function checkVerdict(world: World, height: number, verdict: Verdict, code: number): void {
  world.count(`set changes: ${verdict}`);
  const isUnjudged = UNJUDGED.includes(code) && (verdict === 'applied' || verdict === 'SET_NOT_APPROVED');
  const expected = verdict === 'applied' ? 0 : CODES[verdict].number;
  if (code !== expected && !isUnjudged)
    world.fail('set', `a change in block ${height} got code ${code}; ${verdict} expected`);
}
